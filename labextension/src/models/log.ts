/** What a run printed: its end first, followed while it runs, and never more of it here than is bearable. */

import { Signal, type ISignal } from '@lumino/signaling';
import { asProblem, type Problem } from '../api/request';
import type { ILog } from '../api/types';

/** Asks for at most `limit` bytes from `offset`; a negative one counts from the end. */
export type AskLog = (offset: number, limit: number) => Promise<ILog>;

const TAIL = 65_536;
const PIECE = 262_144;
/** Characters kept; a log of 50 MB would bring the browser down. */
export const KEPT = 1_500_000;
/** Milliseconds between two looks at a log that grows. */
const FOLLOW = 1_000;

export class LogModel {
  constructor(ask: AskLog) {
    this._ask = ask;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The text from byte `from` to byte `to` of `size`; the last line may not be whole yet. */
  get text(): string {
    return plain(this._text + this._tail);
  }

  get from(): number {
    return this._from;
  }

  get size(): number {
    return this._size;
  }

  /** Whether the text reaches the end of what there is. */
  get atEnd(): boolean {
    return this._to >= this._size;
  }

  get ended(): boolean {
    return this._ended;
  }

  get ready(): boolean {
    return this._ready;
  }

  get problem(): Problem | null {
    return this._problem;
  }

  /** Show the end, and follow it until the run has ended or `stop` is called. */
  follow(): void {
    if (!this._following) {
      this._following = true;
      void this._step();
    }
  }

  stop(): void {
    this._following = false;
    window.clearTimeout(this._timer);
  }

  /** The piece before what is here. */
  async earlier(): Promise<void> {
    const offset = Math.max(0, this._from - PIECE);
    const limit = this._from - offset;
    if (limit <= 0) {
      return;
    }
    await this._take(async () => {
      const piece = await this._ask(offset, limit);
      this._text = piece.text + this._text;
      this._from = piece.offset;
      if (this._text.length > KEPT) {
        // The end goes; it comes back with `tail`.
        this._text = this._text.slice(0, KEPT);
        this._to = this._from + new TextEncoder().encode(this._text).length;
        this._tail = '';
        this.stop();
      }
    });
  }

  /** Back to the end. */
  async tail(): Promise<void> {
    this.stop();
    this._to = -1;
    this.follow();
  }

  dispose(): void {
    this.stop();
    Signal.clearData(this);
  }

  private async _step(): Promise<void> {
    await this._take(async () => {
      if (this._to < 0) {
        this._first(await this._ask(-TAIL, TAIL));
      } else {
        await this._next();
      }
    });
    if (this._following && !(this._ended && this.atEnd)) {
      this._timer = window.setTimeout(() => void this._step(), FOLLOW);
    } else {
      this._following = false;
    }
  }

  private async _next(): Promise<void> {
    const piece = await this._ask(this._to, PIECE);
    if (piece.size - piece.next > PIECE * 4) {
      // Faster than can be read: only the end is worth showing.
      this._first(await this._ask(-TAIL, TAIL));
      return;
    }
    this._text += piece.text;
    this._set(piece);
    if (this._text.length > KEPT) {
      const cut = this._text.length - KEPT;
      this._from += new TextEncoder().encode(this._text.slice(0, cut)).length;
      this._text = this._text.slice(cut);
    }
  }

  private _first(piece: ILog): void {
    this._text = piece.text;
    this._from = piece.offset;
    this._set(piece);
  }

  private _set(piece: ILog): void {
    this._to = piece.next;
    this._size = piece.size;
    this._tail = piece.tail;
    this._ended = piece.ended;
  }

  private async _take(ask: () => Promise<void>): Promise<void> {
    const before = `${this._from} ${this._to} ${this._tail} ${this._ended}`;
    const had = this._problem;
    try {
      await ask();
      this._problem = null;
    } catch (error) {
      this._problem = asProblem(error);
    }
    const after = `${this._from} ${this._to} ${this._tail} ${this._ended}`;
    if (before !== after || had !== this._problem || !this._ready) {
      this._ready = true;
      this._changed.emit();
    }
  }

  private readonly _ask: AskLog;
  private readonly _changed = new Signal<this, void>(this);
  private _text = '';
  private _tail = '';
  private _from = 0;
  private _to = -1;
  private _size = 0;
  private _ended = false;
  private _ready = false;
  private _following = false;
  private _timer = 0;
  private _problem: Problem | null = null;
}

const ESC = '\\u001b';
const BELL = '\\u0007';
/** Colours, moves of the cursor, titles of windows. */
const ESCAPES = new RegExp(
  `${ESC}(?:\\[[0-9;?]*[ -/]*[@-~]|\\][^${BELL}]*(?:${BELL}|${ESC}\\\\))`,
  'g'
);

/** Without colours, and with what a progress bar wrote over itself taken away. */
export function plain(text: string): string {
  const bare = text.replace(ESCAPES, '');
  if (!bare.includes('\r')) {
    return bare;
  }
  return bare
    .replace(/\r\n/g, '\n')
    .split('\n')
    .map(line => {
      const parts = line.split('\r');
      return parts.reverse().find(part => part !== '') ?? '';
    })
    .join('\n');
}
