/** Runs, as REST has them. */

import type { IItem, IPage } from '../models/pages';
import { address, body, request, send, type IPlace } from './request';
import type {
  Axis,
  IArtifacts,
  ICellState,
  ICode,
  IColumn,
  ICurves,
  IEnvironmentDetail,
  IFreshness,
  ILog,
  IRunChange,
  IRunDetail,
  IRunItem,
  IRunPage
} from './types';

/** A row of the list; `id` is the run's uid. */
export type IRunRow = IRunItem & IItem;

export type IRunsPage = IPage<IRunRow> & { freshness: IFreshness };

/** What the side bar asks. Empty text and false ask nothing. */
export interface IRunsQuery {
  /** MLflow's grammar or free text, as it was typed. */
  search: string;
  status: string;
  mine: boolean;
  notebook: string;
  /** A tag as "name=value", or a name alone. */
  tag: string;
  archived: boolean;
  order: string;
}

/** What a row needs: a run may have hundreds of metrics, and a row shows a few. */
export interface IRowWanted {
  /** Keys as metrics.accuracy. */
  columns?: readonly string[];
  /** Besides, so many metrics and params of each run's own. */
  few?: number;
}

/** What runs of this project have, the most frequent first. */
export interface IKeys {
  metrics: readonly string[];
  params: readonly string[];
  tags: readonly string[];
}

export interface IRunsApi {
  list(
    query: IRunsQuery,
    cursor: string | null,
    limit: number,
    signal: AbortSignal,
    row?: IRowWanted
  ): Promise<IRunsPage>;
  keys(): Promise<IKeys>;
  change(uid: string, change: IRunChange): Promise<void>;
  remove(uid: string): Promise<void>;
  restore(uid: string): Promise<void>;
}

/** Who asks, as the server knows them; for "mine". */
export type WhoAmI = () => Promise<string>;

export class RunsApi implements IRunsApi {
  constructor(place: IPlace, user: WhoAmI) {
    this._place = place;
    this._user = user;
  }

  async list(
    query: IRunsQuery,
    cursor: string | null,
    limit: number,
    signal: AbortSignal,
    row: IRowWanted = {}
  ): Promise<IRunsPage> {
    const user = query.mine ? await this._user() : '';
    const { filter, search } = toFilter(query, user);
    const page = await request<IRunPage>(
      'runs',
      this._place,
      { signal },
      {
        filter,
        search,
        notebook: query.notebook,
        order_by: query.order,
        columns: row.columns,
        few: row.few,
        archived: query.archived ? 'only' : '',
        limit,
        cursor
      }
    );
    return { ...page, items: page.items.map(run => ({ ...run, id: run.uid })) };
  }

  async keys(): Promise<IKeys> {
    const { items } = await this._get<{ items: IColumn[] }>('runs/columns');
    const of = (kind: string): string[] =>
      items.filter(one => one.kind === kind).map(one => one.name);
    return { metrics: of('metrics'), params: of('params'), tags: of('tags') };
  }

  async change(uid: string, change: IRunChange): Promise<void> {
    await request(run(uid), this._place, body('PATCH', change));
  }

  async remove(uid: string): Promise<void> {
    await request(run(uid), this._place, { method: 'DELETE' });
  }

  async restore(uid: string): Promise<void> {
    await request(`${run(uid)}/restore`, this._place, body('POST', {}));
  }

  detail(uid: string): Promise<IRunDetail> {
    return this._get(run(uid));
  }

  curves(
    uid: string,
    names: readonly string[],
    x: Axis,
    points: number,
    span: readonly [number, number] | null
  ): Promise<ICurves> {
    return this._get(`${run(uid)}/metrics`, {
      names,
      x,
      points,
      start: span?.[0],
      end: span?.[1]
    });
  }

  code(uid: string, against = ''): Promise<ICode> {
    return this._get(`${run(uid)}/code`, { against });
  }

  environment(uid: string, against = ''): Promise<IEnvironmentDetail> {
    return this._get(`${run(uid)}/environment`, { against });
  }

  log(uid: string, offset: number, limit: number): Promise<ILog> {
    return this._get(`${run(uid)}/log`, { offset, limit });
  }

  output(uid: string): Promise<unknown> {
    return this._get(`${run(uid)}/output`);
  }

  /** The cell and what it needs, as a notebook. */
  notebook(uid: string): Promise<unknown> {
    return this._get(`${run(uid)}/notebook`);
  }

  artifacts(
    uid: string,
    filter: string,
    cursor: string | null
  ): Promise<IArtifacts> {
    return this._get(`${run(uid)}/artifacts`, { filter, cursor });
  }

  /** Where a file of the run is downloaded from; the browser's own cookie opens it. */
  artifactAddress(uid: string, id: string): string {
    return address(artifact(uid, id), this._place);
  }

  /** A file of the run, or only so many bytes of its beginning. */
  async artifact(uid: string, id: string, bytes: number | null): Promise<Blob> {
    const headers: Record<string, string> =
      bytes === null ? {} : { Range: `bytes=0-${bytes - 1}` };
    const answer = await send(artifact(uid, id), this._place, { headers });
    return answer.blob();
  }

  async cells(notebook: string): Promise<ICellState[]> {
    const { items } = await this._get<{ items: ICellState[] }>('cells', {
      notebook
    });
    return items;
  }

  private _get<T>(
    path: string,
    query: Parameters<typeof request>[3] = {}
  ): Promise<T> {
    return request<T>(path, this._place, {}, query);
  }

  private readonly _place: IPlace;
  private readonly _user: WhoAmI;
}

/** The path of a run's resource. */
export function run(uid: string): string {
  return `runs/${encodeURIComponent(uid)}`;
}

function artifact(uid: string, id: string): string {
  return `${run(uid)}/artifacts/${encodeURIComponent(id)}`;
}

const LOOKS_LIKE_FILTER =
  /[=<>]|\b(i?like|not\s+in|in|is)\b\s*['(n]|^\s*(metrics?|params?|parameters?|tags?|attributes?|attr|datasets?)\./i;

/** Chips and typed comparisons as one filter; free text beside it. */
export function toFilter(
  query: IRunsQuery,
  user: string
): { filter: string; search: string } {
  const typed = query.search.trim();
  const parts: string[] = [];
  const isFilter = LOOKS_LIKE_FILTER.test(typed);
  if (isFilter) {
    parts.push(typed);
  }
  if (query.status) {
    parts.push(`attributes.status = ${quote(query.status)}`);
  }
  if (query.mine && user) {
    parts.push(`attributes.user = ${quote(user)}`);
  }
  if (query.tag) {
    const [name = '', ...value] = query.tag.split('=');
    const key = `tags.\`${name}\``;
    parts.push(
      value.length > 0
        ? `${key} = ${quote(value.join('='))}`
        : `${key} IS NOT NULL`
    );
  }
  return { filter: parts.join(' and '), search: isFilter ? '' : typed };
}

function quote(text: string): string {
  return `'${text.replace(/'/g, "''")}'`;
}
