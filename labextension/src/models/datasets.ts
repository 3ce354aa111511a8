/** The datasets of the project as the side bar lists them. */

import { Signal, type ISignal } from '@lumino/signaling';
import type { DatasetsApi, IDatasetRow, IDatasetsQuery } from '../api/datasets';
import type { Feed } from './feed';
import { PagedList } from './paged';
import { Selection } from './selection';

export class DatasetsModel {
  constructor(
    at: () => { id: string; datasets: Pick<DatasetsApi, 'list'> },
    feed: Feed
  ) {
    this.list = new PagedList<IDatasetRow, IDatasetsQuery>(
      async (query, cursor, limit, signal) => {
        const page = await at().datasets.list(query, cursor, limit, signal);
        this._message = page.message;
        return page;
      },
      { search: '', order: 'name' }
    );
    this.selection = new Selection(this.list);
    this._feed = feed;
    this.list.changed.connect(() => this._changed.emit());
    feed.restored.connect(() => void this.list.refresh());
    feed.changed.connect((_, changes) => {
      if (changes.of('dataset', at().id)) {
        void this.list.refresh();
      }
    });
  }

  readonly list: PagedList<IDatasetRow, IDatasetsQuery>;
  readonly selection: Selection;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Why there are none, where the server says so. */
  get message(): string {
    return this._message;
  }

  /** Another project. */
  reset(): void {
    if (this.list.state.kind !== 'unasked') {
      this.selection.clear();
      this.set({ search: '' });
    }
  }

  open(): void {
    this._feed.start();
    if (this.list.state.kind === 'unasked') {
      void this.list.reload();
    }
  }

  set(query: Partial<IDatasetsQuery>): void {
    void this.list.ask({ ...this.list.query, ...query });
  }

  private readonly _feed: Feed;
  private readonly _changed = new Signal<this, void>(this);
  private _message = '';
}
