/** Calls back once a second until it is stopped; stopping twice is fine. */

import type { IDisposable } from '@lumino/disposable';

export class Clock implements IDisposable {
  constructor(tick: () => void, milliseconds = 1000) {
    this._timer = window.setInterval(tick, milliseconds);
  }

  get isDisposed(): boolean {
    return this._timer === null;
  }

  dispose(): void {
    if (this._timer !== null) {
      window.clearInterval(this._timer);
      this._timer = null;
    }
  }

  private _timer: number | null;
}
