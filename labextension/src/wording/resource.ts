/** Resources as people say them: memory in bytes, times in seconds. */

import { showDuration } from '../mime/elapsed';
import { showValue } from '../mime/run';
import { showSize } from './size';

export function showResource(name: string, value: unknown): string {
  if (value === undefined || value === null) {
    return '';
  }
  if (typeof value === 'number') {
    if (name === 'memory' || name.endsWith('_memory')) {
      return showSize(value);
    }
    if (name === 'time' || name === 'cpu') {
      return showDuration(value);
    }
  }
  return Array.isArray(value) ? value.join(' ') : showValue(value);
}
