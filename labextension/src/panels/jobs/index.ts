export { JobsPanel } from './panel';
