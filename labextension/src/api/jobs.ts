/** Jobs and the targets they run on, as REST has them. */

import type { IItem, IPage } from '../models/pages';
import { body, request, type IPlace } from './request';
import type { IAccepted, IJobItem, IJobPage, ITargetItem } from './types';

export type IJobRow = IJobItem & IItem;

export interface IJobsQuery {
  search: string;
  state: 'all' | 'open' | 'ended';
}

/** `running` counts all that wait or run, whatever is asked for. */
export type IJobsPage = IPage<IJobRow> & { running: number };

export class JobsApi {
  constructor(place: IPlace) {
    this._place = place;
  }

  list(
    query: IJobsQuery,
    cursor: string | null,
    limit: number,
    signal?: AbortSignal
  ): Promise<IJobsPage> {
    return request<IJobPage>(
      'jobs',
      this._place,
      { signal },
      { filter: query.search.trim(), state: query.state, limit, cursor }
    );
  }

  detail(id: string): Promise<IJobItem> {
    return request(job(id), this._place);
  }

  cancel(id: string): Promise<IAccepted> {
    return request(`${job(id)}/cancel`, this._place, body('POST', {}));
  }

  retry(id: string): Promise<IAccepted> {
    return request(`${job(id)}/retry`, this._place, body('POST', {}));
  }

  /** The places of labnb.toml; `message` says why none can be read. */
  targets(): Promise<{ items: ITargetItem[]; message: string }> {
    return request('targets', this._place);
  }

  private readonly _place: IPlace;
}

function job(id: string): string {
  return `jobs/${encodeURIComponent(id)}`;
}
