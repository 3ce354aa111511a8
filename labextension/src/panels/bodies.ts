/** What the sections of the side bar draw, in one piece of code. */

export { DatasetsBody } from './datasets/body';
export { JobsBody } from './jobs/body';
export { RunsBody } from './runs/body';
