/** Times as people say them. */

import type { TranslationBundle } from '@jupyterlab/translation';

const DAY = 86_400_000;

/** Milliseconds since the epoch from ISO 8601; null where there is no time in it. */
export function readTime(text: string | null | undefined): number | null {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? null : time;
}

/** now, 5 min, 3 h, then the day: short enough for the end of a row. */
export function ago(
  time: number,
  now: number,
  trans: TranslationBundle
): string {
  const minutes = Math.floor((now - time) / 60_000);
  if (minutes < 1) {
    return trans.__('now');
  }
  if (minutes < 60) {
    return trans.__('%1 min', minutes);
  }
  if (minutes < 24 * 60) {
    return trans.__('%1 h', Math.floor(minutes / 60));
  }
  const there = new Date(time);
  const thisYear = there.getFullYear() === new Date(now).getFullYear();
  const options: Intl.DateTimeFormatOptions =
    now - time < 300 * DAY || thisYear
      ? { day: 'numeric', month: 'short' }
      : { year: 'numeric', month: 'short' };
  return there.toLocaleDateString(undefined, options);
}

/** The whole of it, for a title or a table. */
export function fullTime(text: string | null | undefined): string {
  const time = readTime(text);
  return time === null ? '' : new Date(time).toLocaleString();
}
