/** One run, as its page shows it; follows the run while it goes on, and keeps what it knew when the run is removed. */

import type { ProjectApi } from '../api/backend';
import type {
  IArtifact,
  ICode,
  IEnvironmentDetail,
  IRunDetail
} from '../api/types';
import { Asked } from './asked';
import { CurvesModel } from './curves';
import { touches, type Changes, type Feed } from './feed';
import { LogModel } from './log';
import { PagedList } from './paged';
import type { IItem } from './pages';
import { Selection } from './selection';

export type IArtifactRow = IArtifact & IItem;

export class RunModel {
  constructor(api: ProjectApi, feed: Feed, uid: string) {
    const { runs } = api;
    this.api = api;
    this.uid = uid;
    this._feed = feed;
    this.detail = new Asked<IRunDetail>(() => runs.detail(uid));
    this.code = new Asked<ICode>(() => runs.code(uid, this._against));
    this.environment = new Asked<IEnvironmentDetail>(() =>
      runs.environment(uid, this._environmentAgainst)
    );
    this.output = new Asked<unknown>(() => runs.output(uid));
    this.curves = new CurvesModel((names, x, points, span) =>
      runs.curves(uid, names, x, points, span)
    );
    this.log = new LogModel((offset, limit) => runs.log(uid, offset, limit));
    this.artifacts = new PagedList<IArtifactRow, string>(
      (filter, cursor) => runs.artifacts(uid, filter, cursor),
      ''
    );
    this.chosen = new Selection(this.artifacts);
    feed.changed.connect(this._hear, this);
    feed.restored.connect(this.renew, this);
    this.detail.need();
  }

  readonly api: ProjectApi;
  readonly uid: string;
  readonly detail: Asked<IRunDetail>;
  readonly code: Asked<ICode>;
  readonly environment: Asked<IEnvironmentDetail>;
  readonly output: Asked<unknown>;
  readonly curves: CurvesModel;
  readonly log: LogModel;
  readonly artifacts: PagedList<IArtifactRow, string>;
  readonly chosen: Selection;

  /** What the code is held against: "" nothing, "HEAD" the last commit, or another run's uid. */
  get against(): string {
    return this._against;
  }

  set against(value: string) {
    this._against = value;
    void this.code.refresh();
  }

  set environmentAgainst(value: string) {
    this._environmentAgainst = value;
    void this.environment.refresh();
  }

  /** The metrics that are known by name. */
  get metricNames(): string[] {
    return Object.keys(this.detail.value?.metrics ?? {});
  }

  /** Ask again for what is shown. */
  renew(): void {
    void this.detail.refresh().then(() => this.curves.renew(this.metricNames));
    this.output.renew();
    if (this.artifacts.state.kind !== 'unasked') {
      void this.artifacts.refresh();
    }
  }

  dispose(): void {
    this._feed.changed.disconnect(this._hear, this);
    this._feed.restored.disconnect(this.renew, this);
    for (const part of [
      this.detail,
      this.code,
      this.environment,
      this.output,
      this.curves,
      this.log,
      this.artifacts
    ]) {
      part.dispose();
    }
  }

  private _hear(_: Feed, changes: Changes): void {
    if (touches(changes.of('run', this.api.id), this.uid)) {
      this.renew();
    }
  }

  private readonly _feed: Feed;
  private _against = '';
  private _environmentAgainst = '';
}
