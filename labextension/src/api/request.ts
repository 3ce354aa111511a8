/** The one way to labnb's REST interface: every failure comes back as one kind of error. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

/** What the server says of a failure. */
export class Problem extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly hint = '',
    readonly status = 0
  ) {
    super(message);
    this.name = 'Problem';
  }

  /** The thing asked for is not there, or not any more. */
  get gone(): boolean {
    return this.status === 404 || this.status === 410;
  }
}

/** Whom to ask, and about which project; "" is that of the server's folder. */
export interface IPlace {
  settings: ServerConnection.ISettings;
  project: string;
}

/** What may stand behind the question mark; undefined, null and empty text are left out. */
export type Query = Record<
  string,
  string | number | boolean | null | undefined | readonly string[]
>;

export async function request<T>(
  path: string,
  place: IPlace,
  init: RequestInit = {},
  query: Query = {}
): Promise<T> {
  const response = await send(path, place, init, query);
  const text = await response.text();
  return (text ? JSON.parse(text) : null) as T;
}

/** The same, with the answer still unread: for text, images and files. */
export async function send(
  path: string,
  place: IPlace,
  init: RequestInit = {},
  query: Query = {}
): Promise<Response> {
  const url = address(path, place, query);
  const { settings } = place;
  const response = await ServerConnection.makeRequest(url, init, settings);
  if (!response.ok) {
    throw readProblem(response.status, await response.text());
  }
  return response;
}

/** The address of a resource; what comes from users stands between slashes as it is encoded here. */
export function address(
  path: string,
  place: IPlace,
  query: Query = {}
): string {
  const { settings, project } = place;
  const url = URLExt.join(settings.baseUrl, 'labnb', 'api', path);
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...query, project })) {
    if (Array.isArray(value)) {
      value.forEach((one: string) => words.append(name, one));
    } else if (value !== undefined && value !== null && value !== '') {
      words.append(name, String(value));
    }
  }
  const text = words.toString();
  return text ? `${url}?${text}` : url;
}

/** A body of JSON. */
export function body(method: string, data: unknown): RequestInit {
  return {
    method,
    body: JSON.stringify(data),
    headers: { 'Content-Type': 'application/json' }
  };
}

/** A Problem from an answer that may as well come from a proxy and not be JSON at all. */
export function readProblem(status: number, text: string): Problem {
  let told: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(text);
    told =
      typeof parsed === 'object' && parsed !== null
        ? (parsed as Record<string, unknown>)
        : {};
  } catch {
    // Not labnb's own words; the status has to do.
  }
  const field = (name: string): string => {
    const value = told[name];
    return typeof value === 'string' ? value : '';
  };
  return new Problem(
    field('code') || String(status),
    field('message') || `HTTP ${status}`,
    field('hint'),
    status
  );
}

/** Whatever was thrown, as a Problem: a dead server throws a TypeError of the browser's. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) {
    return error;
  }
  if (error instanceof ServerConnection.NetworkError) {
    return new Problem('unreachable', error.message);
  }
  return new Problem(
    'unexpected',
    error instanceof Error ? error.message : String(error)
  );
}
