/** Datasets, as REST has them. */

import type { IItem, IPage } from '../models/pages';
import { request, type IPlace } from './request';
import type {
  IDatasetDiff,
  IDatasetItem,
  IDatasetPage,
  ILineageGraph,
  IPreview,
  IVersionPage
} from './types';

export type IDatasetRow = IDatasetItem & IItem;

export interface IDatasetsQuery {
  search: string;
  order: string;
}

/** `message` says why there are none to list, where that is so. */
export type IDatasetsPage = IPage<IDatasetRow> & { message: string };

export class DatasetsApi {
  constructor(place: IPlace) {
    this._place = place;
  }

  list(
    query: IDatasetsQuery,
    cursor: string | null,
    limit: number,
    signal: AbortSignal
  ): Promise<IDatasetsPage> {
    return request<IDatasetPage>(
      'datasets',
      this._place,
      { signal },
      { filter: query.search.trim(), order_by: query.order, limit, cursor }
    );
  }

  detail(id: string): Promise<IDatasetItem> {
    return this._get(dataset(id));
  }

  versions(id: string, cursor: string | null): Promise<IVersionPage> {
    return this._get(`${dataset(id)}/versions`, { cursor });
  }

  preview(id: string, version: string, path = ''): Promise<IPreview> {
    const one = encodeURIComponent(version);
    return this._get(`${dataset(id)}/versions/${one}/preview`, { path });
  }

  diff(id: string, before: string, after: string): Promise<IDatasetDiff> {
    return this._get(`${dataset(id)}/diff`, { before, after });
  }

  lineage(id: string, version: string): Promise<ILineageGraph> {
    return this._get(`${dataset(id)}/lineage`, { version });
  }

  private _get<T>(
    path: string,
    query: Parameters<typeof request>[3] = {}
  ): Promise<T> {
    return request<T>(path, this._place, {}, query);
  }

  private readonly _place: IPlace;
}

function dataset(id: string): string {
  return `datasets/${encodeURIComponent(id)}`;
}
