/** Runs side by side: facts, curves, and how the facts are drawn. */

import { Signal, type ISignal } from '@lumino/signaling';
import type { ProjectApi } from '../api/backend';
import type { IComparison } from '../api/types';
import { Asked } from './asked';
import { CurvesModel } from './curves';
import type { Changes, Feed } from './feed';
import { touches } from './feed';

/** What a scatter or a bar chart draws; keys as metrics.loss and params.lr. */
export interface IDrawn {
  x: string;
  y: string;
  /** Axes of the parallel coordinates. */
  axes: readonly string[];
}

export class ComparisonModel {
  constructor(api: ProjectApi, feed: Feed, uids: readonly string[]) {
    const { comparisons } = api;
    this.api = api;
    this.uids = uids;
    this._feed = feed;
    this.facts = new Asked<IComparison>(() => comparisons.compare(uids));
    this.curves = new CurvesModel(
      (names, x, points, span) =>
        comparisons.curves({ uids, names, x, points, span }),
      // Many curves share the pixels.
      uids.length > 10 ? 300 : 600
    );
    this.facts.changed.connect(() => {
      if (this.facts.value && !this._drawn) {
        this._drawn = firstDrawn(this.facts.value);
      }
    });
    feed.changed.connect(this._hear, this);
    feed.restored.connect(this.renew, this);
    this.facts.need();
  }

  readonly api: ProjectApi;
  readonly uids: readonly string[];
  readonly facts: Asked<IComparison>;
  readonly curves: CurvesModel;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get drawn(): IDrawn {
    return this._drawn ?? { x: '', y: '', axes: [] };
  }

  draw(drawn: Partial<IDrawn>): void {
    this._drawn = { ...this.drawn, ...drawn };
    this._changed.emit();
  }

  /** Keys that can be drawn: params and metrics. */
  get keys(): string[] {
    return keysOf(this.facts.value);
  }

  renew(): void {
    void this.facts
      .refresh()
      .then(() => this.curves.renew(this.facts.value?.metrics ?? []));
  }

  dispose(): void {
    this._feed.changed.disconnect(this._hear, this);
    this._feed.restored.disconnect(this.renew, this);
    this.facts.dispose();
    this.curves.dispose();
    Signal.clearData(this);
  }

  private _hear(_: Feed, changes: Changes): void {
    const told = changes.of('run', this.api.id);
    if (this.uids.some(uid => touches(told, uid))) {
      this.renew();
    }
  }

  private readonly _feed: Feed;
  private readonly _changed = new Signal<this, void>(this);
  private _drawn: IDrawn | null = null;
}

export function keysOf(facts: IComparison | null): string[] {
  const rows = facts?.rows ?? [];
  return rows
    .filter(row => row.kind === 'param' || row.kind === 'metric')
    .map(row => `${row.kind}s.${row.name}`);
}

/** What is worth drawing first: a param that differs against a metric that differs. */
function firstDrawn(facts: IComparison): IDrawn {
  const differing = facts.rows.filter(row => row.differs);
  const names = (kind: string, rows = differing): string[] =>
    rows
      .filter(row => row.kind === kind && !row.name.startsWith('system/'))
      .map(row => `${kind}s.${row.name}`);
  const params = names('param');
  const metrics = names('metric').concat(names('metric', facts.rows));
  return {
    x: params[0] ?? metrics[1] ?? metrics[0] ?? '',
    y: metrics[0] ?? params[1] ?? '',
    axes: [...params.slice(0, 5), ...new Set(metrics.slice(0, 3))]
  };
}
