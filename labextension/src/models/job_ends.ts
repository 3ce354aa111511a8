/** Says that a job ended, once, and only of those that ended while this page was open. */

import { Signal, type ISignal } from '@lumino/signaling';
import type { IJobRow, JobsApi } from '../api/jobs';
import type { IJobItem } from '../api/types';
import { jobEnded } from '../mime/job_state';
import type { Changes, Feed } from './feed';

type Asked = Pick<JobsApi, 'list' | 'detail'>;

/** Open jobs that are remembered, and changed ones that are looked at in one turn. */
const OPEN = 200;
const LOOKED = 50;

export class JobEnds {
  constructor(
    at: () => { id: string; jobs: Asked },
    feed: Feed,
    since = Date.now()
  ) {
    this._at = at;
    this._since = since;
    feed.restored.connect(() => void this.look());
    feed.changed.connect((_, changes) => this._hear(changes));
  }

  /** Jobs that ended since the last time. */
  get ended(): ISignal<this, IJobItem[]> {
    return this._ended;
  }

  /** Another project is in front: what was open in the last one is not looked for in it. */
  reset(): void {
    this._open.clear();
    this._changed.clear();
    void this.look();
  }

  /** See which jobs are open, and what became of those that were. */
  async look(): Promise<void> {
    this._again = true;
    if (this._looking) {
      return;
    }
    this._looking = true;
    while (this._again) {
      this._again = false;
      try {
        await this._turn();
      } catch {
        // The list of jobs says that the server does not answer; the next event asks again.
      }
    }
    this._looking = false;
  }

  dispose(): void {
    Signal.clearData(this);
  }

  private async _turn(): Promise<void> {
    const { id, jobs } = this._at();
    const query = { search: '', state: 'open' as const };
    const { items, next } = await jobs.list(query, null, OPEN);
    if (this._at().id !== id) {
      return;
    }
    const open = new Set(items.map((job: IJobRow) => job.id));
    const gone = [...this._open].filter(job => !open.has(job));
    const asked = new Set([...(next === null ? gone : []), ...this._changed]);
    this._changed.clear();
    this._open = next === null ? open : new Set([...this._open, ...open]);
    const found = await Promise.all(
      [...asked]
        .filter(job => !open.has(job) && !this._told.has(job))
        .slice(0, LOOKED)
        .map(job => jobs.detail(job).catch(() => null))
    );
    const over = found.filter(
      (job): job is IJobItem => job !== null && jobEnded(job.state)
    );
    over.forEach(job => {
      this._told.add(job.id);
      this._open.delete(job.id);
    });
    const ended = over.filter(
      job => Date.parse(job.ended ?? '') >= this._since
    );
    if (ended.length > 0) {
      this._ended.emit(ended);
    }
  }

  private _hear(changes: Changes): void {
    const told = changes.of('job', this._at().id);
    if (told) {
      told.changed.forEach(job => this._changed.add(job));
      void this.look();
    }
  }

  private readonly _at: () => { id: string; jobs: Asked };
  private readonly _since: number;
  private readonly _ended = new Signal<this, IJobItem[]>(this);
  private readonly _told = new Set<string>();
  private readonly _changed = new Set<string>();
  private _open = new Set<string>();
  private _looking = false;
  private _again = false;
}
