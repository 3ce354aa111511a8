/** How long a run has taken, and whether a card may still claim that it goes on. */

import type { IRun } from './run';

/** A card older than this, in milliseconds, was not written just now. */
export const MOMENT = 30_000;

/** Seconds as people say them, as on labnb's other faces: 42 ms, 3.1 s, 1 min 15 s, 2 h 03 min. */
export function showDuration(seconds: number): string {
  if (seconds < 1) {
    return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  }
  if (seconds < 59.95) {
    return `${seconds.toFixed(1)} s`;
  }
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) {
    return `${minutes} min ${two(whole % 60)} s`;
  }
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
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
