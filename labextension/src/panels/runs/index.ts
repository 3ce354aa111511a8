export { RunsPanel } from './panel';
