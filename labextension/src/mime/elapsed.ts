/** How long a run has taken, and whether a card may still claim that it goes on. */

import type { IRun } from './run';

/** A card older than this, in milliseconds, was not written just now. */
export const MOMENT = 30_000;

/** Seconds as people say them: < 0.1 s, 0.4 s, 12 s, 3 min 05 s, 2 h 04 min, 3 d 2 h. */
export function showDuration(seconds: number): string {
  if (seconds < 0.05) {
    return '< 0.1 s';
  }
  if (seconds < 9.95) {
    return `${seconds.toFixed(1)} s`;
  }
  const whole = Math.round(seconds);
  if (whole < 60) {
    return `${whole} s`;
  }
  if (whole < 3600) {
    return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  }
  const minutes = Math.floor(whole / 60);
  if (minutes < 24 * 60) {
    return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  }
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Running by its own words, but written too long ago to repeat them: a reloaded page, a dead kernel. */
export function isStale(run: IRun, now: number): boolean {
  return (
    run.status === 'RUNNING' && run.asOf !== null && now - run.asOf > MOMENT
  );
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
