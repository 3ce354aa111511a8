export { DatasetsPanel } from './panel';
