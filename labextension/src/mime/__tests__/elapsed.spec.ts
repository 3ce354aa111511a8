import { isStale, MOMENT, showDuration } from '../elapsed';
import { readRun } from '../run';

describe('showDuration', () => {
  it.each([
    [-1, '0 ms'],
    [0.0421, '42 ms'],
    [3.14, '3.1 s'],
    [59.97, '1 min 00 s'],
    [75, '1 min 15 s'],
    [3599.6, '1 h 00 min'],
    [7384, '2 h 03 min'],
    [266400, '74 h 00 min']
  ])('says %p as %p', (seconds, text) => {
    expect(showDuration(seconds)).toBe(text);
  });
});

describe('isStale', () => {
  const run = readRun({ status: 'RUNNING', as_of: 1767323045000 });

  it('trusts a card for a moment', () => {
    expect(isStale(run, 1767323045000 + MOMENT)).toBe(false);
    expect(isStale(run, 1767323045001 + MOMENT)).toBe(true);
  });

  it('does not mind a clock that is behind', () => {
    expect(isStale(run, 0)).toBe(false);
  });

  it('is for running ones only', () => {
    const done = { ...run, status: 'FINISHED' as const };
    expect(isStale(done, Number.MAX_SAFE_INTEGER)).toBe(false);
  });
});
