/** A long list of which only the part that is looked at is kept: pages by cursor, stale requests aborted. */

import { Signal, type ISignal } from '@lumino/signaling';
import type { Problem } from '../api/request';
import { asProblem } from '../api/request';
import { Pages, type IItem, type IPage } from './pages';

/** Asks the server for the page that begins at `cursor`. */
export type PageSource<T, Q> = (
  query: Q,
  cursor: string | null,
  limit: number,
  signal: AbortSignal
) => Promise<IPage<T>>;

/** What the list is doing. A failure leaves the rows that are there. */
export type ListState =
  | { kind: 'unasked' }
  | { kind: 'loading' }
  | { kind: 'ready' }
  | { kind: 'failed'; problem: Problem };

/** Rows in a page: about three screens. */
export const PAGE = 100;
export class PagedList<T extends IItem, Q> {
  constructor(source: PageSource<T, Q>, query: Q) {
    this._source = source;
    this._query = query;
  }

  /** Rows, total or state are not what they were. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get state(): ListState {
    return this._state;
  }

  get query(): Q {
    return this._query;
  }

  /** Rows that can be scrolled to; grows on the way down. */
  get count(): number {
    return this._pages.count;
  }

  /** Rows that the server knows of for this query. */
  get total(): number {
    return this._total;
  }

  /** The row, or undefined while its page is on the way. */
  at(index: number): T | undefined {
    return this._pages.at(index);
  }

  find(id: string): T | undefined {
    return this._pages.find(id);
  }

  indexOf(id: string): number {
    return this._pages.indexOf(id);
  }

  /** Ask something else: what was asked before is not waited for. Old rows stay until the new ones are there. */
  ask(query: Q): Promise<void> {
    this._query = query;
    return this.reload();
  }

  /** From the top. */
  async reload(): Promise<void> {
    this._set({ kind: 'loading' });
    await this._top();
  }

  private async _top(): Promise<void> {
    this._abort.abort();
    this._abort = new AbortController();
    this._wanted.clear();
    this._behind = false;
    const abort = this._abort;
    try {
      const page = await this._source(this._query, null, PAGE, abort.signal);
      if (abort.signal.aborted) {
        return;
      }
      this._pages.clear();
      this._add(null, page);
      this._set({ kind: 'ready' });
    } catch (error) {
      this._fail(error, abort.signal);
    }
  }

  /**
   * The server has something new. At the top the first page is asked for again; further down only what is
   * looked at, so that nothing jumps, and the top when it is come back to.
   */
  async refresh(): Promise<void> {
    if (this._state.kind === 'unasked') {
      return;
    }
    // News on the heels of news must not abort the answer that is on its way, or none would ever come.
    this._again = true;
    if (this._refreshing) {
      return;
    }
    this._refreshing = true;
    try {
      while (this._again) {
        this._again = false;
        await this._renew();
      }
    } finally {
      this._refreshing = false;
    }
  }

  private async _renew(): Promise<void> {
    if (this._last < PAGE || this._state.kind === 'failed') {
      await this._top();
      return;
    }
    this._behind = true;
    const from = this._pages.pageOf(this._first);
    const to = this._pages.pageOf(this._last);
    for (let page = from; page <= to; page++) {
      await this._load(page);
    }
  }

  /** Rows `first` to `last` are looked at. */
  show(first: number, last: number): void {
    this._first = first;
    this._last = last;
    if (this._state.kind === 'unasked' || this._pages.length === 0) {
      return;
    }
    if (this._behind && first === 0) {
      void this.reload();
      return;
    }
    const from = this._pages.pageOf(first);
    const to = this._pages.pageOf(last);
    for (let page = from; page <= to; page++) {
      if (this._pages.page(page)?.items === null) {
        void this._load(page);
      }
    }
    if (last >= this.count - PAGE / 2 && this._next !== null) {
      void this._more();
    }
    this._pages.letGo(from, to);
  }

  /** Change a row that is known here, as an event tells it. */
  patch(id: string, fields: Partial<T>): boolean {
    const known = this._pages.patch(id, fields);
    if (known) {
      this._changed.emit();
    }
    return known;
  }

  /** Take rows away at once, before the server has said so. */
  drop(ids: ReadonlySet<string>): void {
    this._total -= this._pages.drop(ids);
    this._changed.emit();
  }

  dispose(): void {
    this._abort.abort();
    Signal.clearData(this);
  }

  private async _more(): Promise<void> {
    const cursor = this._next;
    if (cursor === null || this._wanted.has(cursor)) {
      return;
    }
    const abort = this._abort;
    this._wanted.add(cursor);
    try {
      const page = await this._source(this._query, cursor, PAGE, abort.signal);
      if (!abort.signal.aborted && this._next === cursor) {
        this._add(cursor, page);
        this._set({ kind: 'ready' });
      }
    } catch (error) {
      this._fail(error, abort.signal);
    } finally {
      this._wanted.delete(cursor);
    }
  }

  private async _load(number: number): Promise<void> {
    const kept = this._pages.page(number);
    const key = `again ${number}`;
    if (!kept || this._wanted.has(key)) {
      return;
    }
    const abort = this._abort;
    this._wanted.add(key);
    try {
      const page = await this._source(
        this._query,
        kept.cursor,
        kept.length || PAGE,
        abort.signal
      );
      if (!abort.signal.aborted) {
        this._pages.put(kept, page.items);
        this._total = page.total;
        this._set({ kind: 'ready' });
      }
    } catch (error) {
      this._fail(error, abort.signal);
    } finally {
      this._wanted.delete(key);
    }
  }

  private _add(cursor: string | null, page: IPage<T>): void {
    this._pages.add(cursor, page.items);
    this._next = page.next;
    this._total = page.total;
  }

  private _fail(error: unknown, signal: AbortSignal): void {
    if (!signal.aborted) {
      this._set({ kind: 'failed', problem: asProblem(error) });
    }
  }

  private _set(state: ListState): void {
    this._state = state;
    this._changed.emit();
  }

  private readonly _source: PageSource<T, Q>;
  private readonly _changed = new Signal<this, void>(this);
  private _query: Q;
  private _state: ListState = { kind: 'unasked' };
  private readonly _pages = new Pages<T>();
  private _next: string | null = null;
  private _total = 0;
  private _first = 0;
  private _last = 0;
  private _behind = false;
  private _again = false;
  private _refreshing = false;
  private _wanted = new Set<string>();
  private _abort = new AbortController();
}
