/** The runs of the project as the side bar lists them: what is asked, what is chosen, what is done to them. */

import { Signal, type ISignal } from '@lumino/signaling';
import type {
  IKeys,
  IRowWanted,
  IRunRow,
  IRunsApi,
  IRunsQuery
} from '../api/runs';
import type { IFreshness } from '../api/types';
import type { Feed } from './feed';
import { PagedList } from './paged';
import { Selection } from './selection';

/** What the panel remembers between two visits. */
export interface IRunsChoices {
  order: string;
  /** Keys shown in the second line of a row: metrics.accuracy, params.lr, tags.team. */
  columns: string[];
}

export const FIRST_CHOICES: IRunsChoices = {
  order: 'started DESC',
  columns: []
};

const ALL: IRunsQuery = {
  search: '',
  status: '',
  mine: false,
  notebook: '',
  tag: '',
  archived: false,
  order: FIRST_CHOICES.order
};

/** Metrics, and params, of a row where none are chosen. */
const SHOWN = 8;

export class RunsModel {
  /** `at` gives whom to ask, and the id of the project in front. */
  constructor(at: () => { id: string; runs: IRunsApi }, feed: Feed) {
    this._at = at;
    this._feed = feed;
    this.list = new PagedList<IRunRow, IRunsQuery>(
      async (query, cursor, limit, signal) => {
        const page = await this.api.list(
          query,
          cursor,
          limit,
          signal,
          this._row()
        );
        this._freshness = page.freshness;
        return page;
      },
      { ...ALL }
    );
    this.selection = new Selection(this.list);
    this.list.changed.connect(this._listChanged, this);
    feed.restored.connect(this._refresh, this);
    feed.changed.connect((_, changes) => {
      if (changes.of('run', at().id)) {
        this._refresh();
      }
    });
  }

  get api(): IRunsApi {
    return this._at().runs;
  }

  readonly list: PagedList<IRunRow, IRunsQuery>;
  readonly selection: Selection;

  /** The choices, or the keys to choose from, are not what they were. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** How far the server's index is behind, as the last page told; null before it. */
  get freshness(): IFreshness | null {
    return this._freshness;
  }

  get choices(): IRunsChoices {
    return this._choices;
  }

  /** Metrics, params and tags that runs of this project have. */
  get keys(): IKeys {
    return this._keys;
  }

  /** The notebook that "this notebook" stands for: its path as Jupyter names it, or "". */
  get notebook(): string {
    return this._notebook;
  }

  set notebook(path: string) {
    if (path !== this._notebook) {
      this._notebook = path;
      this._changed.emit();
      if (this._hereOnly) {
        this.set({ notebook: path });
      }
    }
  }

  /** Only the runs of the notebook in front, whichever that is. */
  get hereOnly(): boolean {
    return this._hereOnly;
  }

  set hereOnly(value: boolean) {
    this._hereOnly = value;
    this.set({ notebook: value ? this._notebook : '' });
  }

  /** Ask for the runs for the first time, when the panel is looked at. */
  open(): void {
    if (this.list.state.kind === 'unasked') {
      this._feed.start();
      void this.list.reload();
      void this.readKeys();
    }
  }

  /** Another project: what was chosen and known of the last one is of no use. */
  reset(): void {
    if (this.list.state.kind !== 'unasked') {
      this._keys = { metrics: [], params: [], tags: [] };
      this.clear();
      void this.readKeys();
    }
  }

  /** Whether anything narrows the list. */
  get narrowed(): boolean {
    const { search, status, mine, notebook, tag } = this.list.query;
    return Boolean(search || status || mine || notebook || tag);
  }

  set(query: Partial<IRunsQuery>): void {
    this.selection.clear();
    void this.list.ask({ ...this.list.query, ...query });
    this._changed.emit();
  }

  clear(): void {
    this._hereOnly = false;
    this.set({ ...ALL, order: this._choices.order });
  }

  choose(choices: Partial<IRunsChoices>): void {
    const before = this._choices;
    this._choices = { ...before, ...choices };
    const { order, columns } = this._choices;
    if (this.list.state.kind === 'unasked') {
      this.list.query.order = order;
    } else if (this.list.query.order !== order) {
      this.set({ order });
    } else if (columns.join('\n') !== before.columns.join('\n')) {
      // Rows hold only what they show.
      void this.list.reload();
    }
    this._changed.emit();
  }

  async readKeys(): Promise<void> {
    try {
      this._keys = await this.api.keys();
      this._changed.emit();
    } catch {
      // Without them there is less to choose from, and the list itself says what is wrong.
    }
  }

  /** Runs that are chosen, as they are known here. */
  get chosen(): IRunRow[] {
    return this.selection.ids
      .map(id => this.list.find(id))
      .filter((run): run is IRunRow => run !== undefined);
  }

  async archive(ids: readonly string[], archived: boolean): Promise<void> {
    if (!this.list.query.archived && archived) {
      this.list.drop(new Set(ids));
    }
    this.selection.clear();
    await this._each(ids, id => this.api.change(id, { archived }));
  }

  /** Into the bin; `restore` brings them back. */
  async remove(ids: readonly string[]): Promise<void> {
    this.list.drop(new Set(ids));
    this.selection.clear();
    await this._each(ids, id => this.api.remove(id));
  }

  async restore(ids: readonly string[]): Promise<void> {
    await this._each(ids, id => this.api.restore(id));
  }

  async tag(
    ids: readonly string[],
    name: string,
    value: string | null
  ): Promise<void> {
    await this._each(ids, id =>
      this.api.change(id, { tags: { [name]: value } })
    );
    void this.readKeys();
  }

  async note(id: string, text: string): Promise<void> {
    await this._each([id], one => this.api.change(one, { note: text }));
  }

  private async _each(
    ids: readonly string[],
    change: (id: string) => Promise<void>
  ): Promise<void> {
    try {
      await Promise.all(ids.map(change));
    } finally {
      await this.list.reload();
    }
  }

  /** The key that the list is sorted by, and the chosen ones; without these, what each run has first. */
  private _row(): IRowWanted {
    const { columns, order } = this._choices;
    const [key = ''] = order.split(/\s+(?:asc|desc)$/i);
    const sorted = /^(metrics|params|tags)\./.test(key)
      ? [key.replace(/`/g, '')]
      : [];
    return {
      columns: [...new Set([...sorted, ...columns])],
      few: columns.length > 0 ? undefined : SHOWN
    };
  }

  private _refresh(): void {
    if (this.list.state.kind !== 'unasked') {
      const before = this.list.total;
      void this.list.refresh().then(() => {
        // New runs may bring new metrics and params to sort by.
        if (this.list.total !== before) {
          void this.readKeys();
        }
      });
    }
  }

  private _listChanged(): void {
    const { state } = this.list;
    if (state.kind === 'failed') {
      this._feed.notice(state.problem.code !== 'unreachable');
    }
    this._changed.emit();
  }

  private readonly _at: () => { runs: IRunsApi };
  private readonly _feed: Feed;
  private readonly _changed = new Signal<this, void>(this);
  private _choices = FIRST_CHOICES;
  private _keys: IKeys = { metrics: [], params: [], tags: [] };
  private _freshness: IFreshness | null = null;
  private _notebook = '';
  private _hereOnly = false;
}
