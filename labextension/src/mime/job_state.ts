/** Each state of a job with its sign, its name and the colour of a run's status. */

import type { TranslationBundle } from '@jupyterlab/translation';

export function jobSign(state: string): string {
  switch (state) {
    case 'PENDING':
      return '○';
    case 'RUNNING':
      return '●';
    case 'COMPLETED':
      return '✓';
    case 'CANCELLED':
      return '■';
    default:
      return '✕';
  }
}

/** The status whose colour the state takes. */
export function jobColour(state: string): string {
  switch (state) {
    case 'PENDING':
      return 'SCHEDULED';
    case 'COMPLETED':
      return 'FINISHED';
    case 'RUNNING':
      return 'RUNNING';
    case 'CANCELLED':
      return 'KILLED';
    default:
      return 'FAILED';
  }
}

export function jobName(state: string, trans: TranslationBundle): string {
  switch (state) {
    case 'PENDING':
      return trans.__('waiting');
    case 'RUNNING':
      return trans.__('running');
    case 'COMPLETED':
      return trans.__('completed');
    case 'FAILED':
      return trans.__('failed');
    case 'CANCELLED':
      return trans.__('cancelled');
    case 'TIMEOUT':
      return trans.__('out of time');
    case 'OUT_OF_MEMORY':
      return trans.__('out of memory');
    case 'NODE_FAIL':
      return trans.__('node failed');
    case 'LOST':
      return trans.__('lost');
    default:
      return state;
  }
}

export function jobEnded(state: string): boolean {
  return state !== 'PENDING' && state !== 'RUNNING';
}
