/** One dataset, as its page shows it. */

import { Signal, type ISignal } from '@lumino/signaling';
import type { ProjectApi } from '../api/backend';
import type {
  IDatasetDiff,
  IDatasetItem,
  ILineageGraph,
  IPreview,
  IVersionItem
} from '../api/types';
import { Asked } from './asked';
import { touches, type Changes, type Feed } from './feed';

/** Versions fetched at most; more than anyone scrolls through. */
const VERSIONS = 1_000;

export class DatasetModel {
  constructor(api: ProjectApi, feed: Feed, id: string) {
    const { datasets } = api;
    this.api = api;
    this.id = id;
    this._feed = feed;
    this.detail = new Asked<IDatasetItem>(() => datasets.detail(id));
    this.versions = new Asked<IVersionItem[]>(async () => {
      const found: IVersionItem[] = [];
      let cursor: string | null = null;
      do {
        const page = await datasets.versions(id, cursor);
        found.push(...page.items);
        cursor = page.next;
      } while (cursor !== null && found.length < VERSIONS);
      return found;
    });
    this.preview = new Asked<IPreview>(() =>
      datasets.preview(id, this._version, this._path)
    );
    this.diff = new Asked<IDatasetDiff>(() =>
      datasets.diff(id, this._before, this._after)
    );
    this.lineage = new Asked<ILineageGraph>(() =>
      datasets.lineage(id, this._version)
    );
    this.versions.changed.connect(() => this._begin());
    feed.changed.connect(this._hear, this);
    feed.restored.connect(this.renew, this);
    this.detail.need();
    this.versions.need();
  }

  readonly api: ProjectApi;
  readonly id: string;
  readonly detail: Asked<IDatasetItem>;
  readonly versions: Asked<IVersionItem[]>;
  readonly preview: Asked<IPreview>;
  readonly diff: Asked<IDatasetDiff>;
  readonly lineage: Asked<ILineageGraph>;

  /** Another version is looked at, or others are compared. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The version whose content and lineage are shown. */
  get version(): string {
    return this._version;
  }

  set version(version: string) {
    this._version = version;
    this._path = '';
    this.preview.renew();
    this.lineage.renew();
    this._changed.emit();
  }

  /** A file in a version that is a folder; "" is the folder itself. */
  get path(): string {
    return this._path;
  }

  set path(path: string) {
    this._path = path;
    void this.preview.refresh();
    this._changed.emit();
  }

  get before(): string {
    return this._before;
  }

  get after(): string {
    return this._after;
  }

  compare(before: string, after: string): void {
    this._before = before;
    this._after = after;
    if (before && after) {
      void this.diff.refresh();
    }
    this._changed.emit();
  }

  renew(): void {
    void this.detail.refresh();
    this.versions.renew();
    this.lineage.renew();
  }

  dispose(): void {
    this._feed.changed.disconnect(this._hear, this);
    this._feed.restored.disconnect(this.renew, this);
    for (const part of [
      this.detail,
      this.versions,
      this.preview,
      this.diff,
      this.lineage
    ]) {
      part.dispose();
    }
    Signal.clearData(this);
  }

  /** At first the current version is looked at, and held against the one before it. */
  private _begin(): void {
    const versions = this.versions.value ?? [];
    if (this._version || versions.length === 0) {
      return;
    }
    const current = versions.find(one => one.current) ?? versions[0]!;
    const before = versions[versions.indexOf(current) + 1];
    this._version = current.version;
    this._before = before?.version ?? '';
    this._after = current.version;
    this._changed.emit();
  }

  private _hear(_: Feed, changes: Changes): void {
    if (touches(changes.of('dataset', this.api.id), this.id)) {
      this.renew();
    }
  }

  private readonly _feed: Feed;
  private readonly _changed = new Signal<this, void>(this);
  private _version = '';
  private _path = '';
  private _before = '';
  private _after = '';
}
