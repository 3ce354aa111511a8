/** A thing asked of the server: what came, what went wrong, and that it is asked again when it changed. */

import { Signal, type ISignal } from '@lumino/signaling';
import { asProblem, type Problem } from '../api/request';

export class Asked<T> {
  constructor(ask: () => Promise<T>) {
    this._ask = ask;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** What came last; null before anything did. Stays while it is asked for again, and when that fails. */
  get value(): T | null {
    return this._value;
  }

  get problem(): Problem | null {
    return this._problem;
  }

  get asking(): boolean {
    return this._asking;
  }

  /** Ask, if that was never done. */
  need(): void {
    if (!this._began) {
      void this.refresh();
    }
  }

  /** Ask again, if it was asked before: nobody looks at it otherwise. */
  renew(): void {
    if (this._began) {
      void this.refresh();
    }
  }

  /** Ask. While an answer is on its way, once more after it. */
  async refresh(): Promise<void> {
    this._began = true;
    this._again = true;
    if (this._asking) {
      return;
    }
    this._asking = true;
    this._changed.emit();
    while (this._again && !this._disposed) {
      this._again = false;
      try {
        this._value = await this._ask();
        this._problem = null;
      } catch (error) {
        this._problem = asProblem(error);
      }
    }
    this._asking = false;
    if (!this._disposed) {
      this._changed.emit();
    }
  }

  dispose(): void {
    this._disposed = true;
    Signal.clearData(this);
  }

  private readonly _ask: () => Promise<T>;
  private readonly _changed = new Signal<this, void>(this);
  private _value: T | null = null;
  private _problem: Problem | null = null;
  private _began = false;
  private _asking = false;
  private _again = false;
  private _disposed = false;
}
