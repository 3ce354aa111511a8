/** The jobs of the project: the list of the side bar, and how many run. */

import { Signal, type ISignal } from '@lumino/signaling';
import type { IJobRow, IJobsQuery, JobsApi } from '../api/jobs';
import type { Feed } from './feed';
import { PagedList } from './paged';
import { Selection } from './selection';

type Asked = Pick<JobsApi, 'list' | 'cancel' | 'retry'>;

export class JobsModel {
  constructor(at: () => { id: string; jobs: Asked }, feed: Feed) {
    this._at = at;
    this._feed = feed;
    this.list = new PagedList<IJobRow, IJobsQuery>(
      async (query, cursor, limit, signal) => {
        const page = await this._api.list(query, cursor, limit, signal);
        this._running = page.running;
        return page;
      },
      { search: '', state: 'all' }
    );
    this.selection = new Selection(this.list);
    this.list.changed.connect(() => this._changed.emit());
    feed.restored.connect(() => void this.refresh());
    feed.changed.connect((_, changes) => {
      if (changes.of('job', at().id)) {
        void this.refresh();
      }
    });
  }

  readonly list: PagedList<IJobRow, IJobsQuery>;
  readonly selection: Selection;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Jobs that wait or run, whatever the list shows. */
  get running(): number {
    return this._running;
  }

  /** Another project. */
  reset(): void {
    if (this.list.state.kind !== 'unasked') {
      this.selection.clear();
      this.set({ search: '', state: 'all' });
    } else {
      void this.count();
    }
  }

  open(): void {
    this._feed.start();
    if (this.list.state.kind === 'unasked') {
      void this.list.reload();
    }
  }

  /** The list where it is shown; else only the number, for the status bar. */
  async refresh(): Promise<void> {
    if (this.list.state.kind !== 'unasked') {
      await this.list.refresh();
      return;
    }
    await this.count();
  }

  async count(): Promise<void> {
    try {
      const page = await this._api.list({ search: '', state: 'open' }, null, 1);
      this._running = page.running;
      this._changed.emit();
    } catch {
      // A number in the status bar is not worth a complaint.
    }
  }

  set(query: Partial<IJobsQuery>): void {
    void this.list.ask({ ...this.list.query, ...query });
  }

  async cancel(ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map(id => this._api.cancel(id)));
    await this.refresh();
  }

  async retry(ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map(id => this._api.retry(id)));
    await this.refresh();
  }

  private get _api(): Asked {
    return this._at().jobs;
  }

  private readonly _at: () => { jobs: Asked };
  private readonly _feed: Feed;
  private readonly _changed = new Signal<this, void>(this);
  private _running = 0;
}
