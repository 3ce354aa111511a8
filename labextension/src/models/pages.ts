/** The pages of a long list that are here: rows by their place, and pages let go that a cursor brings back. */

/** One page as the server gives it; `next` is null at the end. */
export interface IPage<T> {
  items: T[];
  next: string | null;
  total: number;
}

export interface IItem {
  id: string;
}

/** A page, or what is left of it. */
export interface IKept<T> {
  cursor: string | null;
  /** Null when it was let go; the cursor brings it back. */
  items: T[] | null;
  length: number;
}

/** Pages kept around what is looked at, so that memory does not grow with the store. */
export const KEEP = 20;

export class Pages<T extends IItem> {
  /** Pages that were ever here, let go or not. */
  get length(): number {
    return this._pages.length;
  }

  /** Rows in all of them. */
  get count(): number {
    const last = this._pages.length - 1;
    return last < 0 ? 0 : this._starts[last]! + this._pages[last]!.length;
  }

  page(number: number): IKept<T> | undefined {
    return this._pages[number];
  }

  /** The row, or undefined where its page was let go. */
  at(index: number): T | undefined {
    const page = this.pageOf(index);
    return this._pages[page]?.items?.[index - this._starts[page]!];
  }

  find(id: string): T | undefined {
    const place = this._place(id);
    return place && this._pages[place[0]]!.items![place[1]];
  }

  indexOf(id: string): number {
    const place = this._place(id);
    return place ? this._starts[place[0]]! + place[1] : -1;
  }

  /** The number of the page that holds this row. */
  pageOf(index: number): number {
    let low = 0;
    let high = this._pages.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this._starts[middle]! <= index) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  clear(): void {
    this._pages = [];
    this._starts = [];
  }

  /** The next page, at the end. */
  add(cursor: string | null, items: T[]): void {
    this._starts.push(this.count);
    this._pages.push({ cursor, items, length: items.length });
  }

  /** A page that was let go, or is asked for again. */
  put(kept: IKept<T>, items: T[]): void {
    kept.items = items;
    kept.length = items.length;
    this._measure();
  }

  /** Change a row; false where it is not here. */
  patch(id: string, fields: Partial<T>): boolean {
    const place = this._place(id);
    if (!place) {
      return false;
    }
    const items = this._pages[place[0]]!.items!;
    items[place[1]] = { ...items[place[1]]!, ...fields };
    return true;
  }

  /** Take rows away; how many there were of them. */
  drop(ids: ReadonlySet<string>): number {
    const before = this.count;
    for (const page of this._pages) {
      if (page.items?.some(item => ids.has(item.id))) {
        page.items = page.items.filter(item => !ids.has(item.id));
        page.length = page.items.length;
      }
    }
    this._measure();
    return before - this.count;
  }

  /** Let the rows go that are far from pages `from` to `to`. */
  letGo(from: number, to: number): void {
    for (const [number, page] of this._pages.entries()) {
      if (number < from - KEEP / 2 || number > to + KEEP / 2) {
        page.items = null;
      }
    }
  }

  private _place(id: string): [number, number] | undefined {
    for (const [number, page] of this._pages.entries()) {
      const found = page.items?.findIndex(item => item.id === id) ?? -1;
      if (found >= 0) {
        return [number, found];
      }
    }
    return undefined;
  }

  private _measure(): void {
    let start = 0;
    this._starts = this._pages.map(page => {
      const here = start;
      start += page.length;
      return here;
    });
  }

  private _pages: IKept<T>[] = [];
  private _starts: number[] = [];
}
