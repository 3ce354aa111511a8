/** Times as people say them. */

import type { TranslationBundle } from '@jupyterlab/translation';

const DAY = 86_400_000;
// To make one takes a millisecond, and a list has dozens of rows.
const NEAR = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short'
});
const FAR = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short'
});
const WHOLE = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric'
});

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
  const thisYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  const near = now - time < 300 * DAY || thisYear;
  return (near ? NEAR : FAR).format(time);
}

/** The whole of it, for a title or a table. */
export function fullTime(text: string | null | undefined): string {
  const time = readTime(text);
  return time === null ? '' : WHOLE.format(time);
}
