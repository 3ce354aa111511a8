/** Which rows of a list are chosen, and which one the keyboard is at. */

import { Signal, type ISignal } from '@lumino/signaling';

/** Knows rows by their place, as a list does. */
export interface IRows {
  count: number;
  at(index: number): { id: string } | undefined;
  indexOf(id: string): number;
}

export type Manner = 'only' | 'toggle' | 'extend';

export class Selection {
  constructor(rows: IRows) {
    this._rows = rows;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get ids(): readonly string[] {
    return [...this._ids];
  }

  /** The row that the keyboard is at; -1 before it was anywhere. */
  get active(): number {
    return this._active;
  }

  has(id: string): boolean {
    return this._ids.has(id);
  }

  /** Go to a row. `only` chooses it alone, `toggle` adds or takes it, `extend` chooses all from the last one. */
  pick(index: number, manner: Manner = 'only'): void {
    const row = this._rows.at(index);
    this._active = index;
    if (!row) {
      this._changed.emit();
      return;
    }
    if (manner === 'toggle') {
      if (!this._ids.delete(row.id)) {
        this._ids.add(row.id);
      }
      this._anchor = index;
    } else if (manner === 'extend' && this._anchor >= 0) {
      const [from, to] = [this._anchor, index].sort((a, b) => a - b) as [
        number,
        number
      ];
      this._ids.clear();
      for (let one = from; one <= to; one++) {
        const between = this._rows.at(one);
        if (between) {
          this._ids.add(between.id);
        }
      }
    } else {
      this._ids = new Set([row.id]);
      this._anchor = index;
    }
    this._changed.emit();
  }

  /** Move the keyboard without choosing, as Ctrl with an arrow does. */
  move(index: number): void {
    this._active = index;
    this._changed.emit();
  }

  /** Choose all rows that are loaded. */
  all(): void {
    this._ids.clear();
    for (let index = 0; index < this._rows.count; index++) {
      const row = this._rows.at(index);
      if (row) {
        this._ids.add(row.id);
      }
    }
    this._changed.emit();
  }

  clear(): void {
    if (this._ids.size > 0) {
      this._ids.clear();
      this._changed.emit();
    }
  }

  private readonly _rows: IRows;
  private readonly _changed = new Signal<this, void>(this);
  private _ids = new Set<string>();
  private _active = -1;
  private _anchor = -1;
}
