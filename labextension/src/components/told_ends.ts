/** Notifications of jobs that ended: one each while they are few. */

import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IJobItem } from '../api/types';
import { jobName } from '../mime/job_state';

/** More than so many at once are told in one sentence. */
const EACH = 3;
/** Milliseconds; a failure stays until it is closed. */
const SHOWN = 15_000;
const LETTERS = 60;

export function tellEnds(
  jobs: readonly IJobItem[],
  open: (job: IJobItem) => void,
  openAll: () => void,
  trans: TranslationBundle
): void {
  if (jobs.length > EACH) {
    const good = jobs.filter(job => job.state === 'COMPLETED').length;
    const text =
      good === jobs.length
        ? trans.__('%1 jobs completed.', jobs.length)
        : trans.__('%1 jobs ended, %2 completed.', jobs.length, good);
    emit(text, good === jobs.length, trans.__('Show the jobs'), openAll);
    return;
  }
  for (const job of jobs) {
    const text = trans.__(
      '%1 on %2: %3',
      brief(job.name),
      job.target,
      jobName(job.state, trans)
    );
    const why = job.cause && job.state !== 'COMPLETED' ? `. ${job.cause}` : '';
    emit(
      brief(text + why, 2 * LETTERS),
      job.state === 'COMPLETED',
      trans.__('Open job'),
      () => open(job)
    );
  }
}

function emit(
  text: string,
  good: boolean,
  label: string,
  callback: () => void
): void {
  const actions = [{ label, callback }];
  if (good) {
    Notification.success(text, { actions, autoClose: SHOWN });
  } else {
    Notification.warning(text, { actions, autoClose: false });
  }
}

function brief(text: string, most = LETTERS): string {
  const letters = [...text];
  return letters.length <= most
    ? text
    : `${letters.slice(0, most - 1).join('')}…`;
}
