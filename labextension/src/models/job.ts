/** One job, as its page shows it. Its log is its run's. */

import type { ProjectApi } from '../api/backend';
import type { IJobItem } from '../api/types';
import { Asked } from './asked';
import { touches, type Changes, type Feed } from './feed';
import { LogModel } from './log';

export class JobModel {
  constructor(api: ProjectApi, feed: Feed, id: string) {
    this.api = api;
    this.id = id;
    this._feed = feed;
    this.detail = new Asked<IJobItem>(() => api.jobs.detail(id));
    this.log = new LogModel((offset, limit) =>
      api.runs.log(this.detail.value?.run ?? id, offset, limit)
    );
    feed.changed.connect(this._hear, this);
    feed.restored.connect(this.renew, this);
    this.detail.need();
  }

  readonly api: ProjectApi;
  readonly id: string;
  readonly detail: Asked<IJobItem>;
  readonly log: LogModel;

  renew(): void {
    void this.detail.refresh();
  }

  dispose(): void {
    this._feed.changed.disconnect(this._hear, this);
    this._feed.restored.disconnect(this.renew, this);
    this.detail.dispose();
    this.log.dispose();
  }

  private _hear(_: Feed, changes: Changes): void {
    const told = changes.of('job', this.api.id);
    if (touches(told, this.id)) {
      this.renew();
    }
  }

  private readonly _feed: Feed;
}
