/** Whether labnb's server extension answers, and which one it is. */

import { Signal, type ISignal } from '@lumino/signaling';

export type ServerState =
  { kind: 'asking' } | { kind: 'here'; version: string } | { kind: 'away' };

export class ServerModel {
  constructor(ask: () => Promise<{ version: string }>) {
    this._ask = ask;
  }

  get state(): ServerState {
    return this._state;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  async refresh(): Promise<void> {
    try {
      const { version } = await this._ask();
      this._state = { kind: 'here', version };
    } catch {
      // Whatever the cause, the panel says how to look into it.
      this._state = { kind: 'away' };
    }
    this._changed.emit();
  }

  private readonly _ask: () => Promise<{ version: string }>;
  private readonly _changed = new Signal<this, void>(this);
  private _state: ServerState = { kind: 'asking' };
}
