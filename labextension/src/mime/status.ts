/** Each status with its sign and its name; the sign is drawn, the name is read aloud. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { RunStatus } from './run';

const SIGNS: Record<RunStatus, string> = {
  SCHEDULED: '○',
  RUNNING: '●',
  FINISHED: '✓',
  FAILED: '✕',
  KILLED: '■',
  UNKNOWN: '?'
};

export function statusSign(status: RunStatus): string {
  return SIGNS[status];
}

export function statusName(
  status: RunStatus,
  trans: TranslationBundle
): string {
  switch (status) {
    case 'SCHEDULED':
      return trans.__('scheduled');
    case 'RUNNING':
      return trans.__('running');
    case 'FINISHED':
      return trans.__('finished');
    case 'FAILED':
      return trans.__('failed');
    case 'KILLED':
      return trans.__('killed');
    case 'UNKNOWN':
      return trans.__('status unknown');
  }
}
