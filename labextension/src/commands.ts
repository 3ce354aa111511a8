/** The names of labnb's commands. */

export namespace CommandIDs {
  export const open = 'labnb:open';
  export const openRun = 'labnb:open-run';
  export const openDataset = 'labnb:open-dataset';
  export const showDataset = 'labnb:show-dataset';
  export const openJob = 'labnb:open-job';
  export const showJob = 'labnb:show-job';
  export const compare = 'labnb:compare';
  export const rerun = 'labnb:rerun-as-notebook';
  export const copyId = 'labnb:copy-id';
  export const tag = 'labnb:tag';
  export const note = 'labnb:note';
  export const archive = 'labnb:archive';
  export const remove = 'labnb:delete';
  export const cancelJob = 'labnb:cancel-job';
  export const retryJob = 'labnb:retry-job';
  export const recordCell = 'labnb:record-cell';
  export const runOnTarget = 'labnb:run-on-target';
}
