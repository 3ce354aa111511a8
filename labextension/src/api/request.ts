/** The one way to labnb's REST interface: every failure comes back as one kind of error. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

/** What the server says of a failure. */
export class Problem extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly hint = ''
  ) {
    super(message);
    this.name = 'Problem';
  }
}

export async function request<T>(
  path: string,
  settings: ServerConnection.ISettings,
  init: RequestInit = {}
): Promise<T> {
  const url = URLExt.join(settings.baseUrl, 'labnb', 'api', path);
  const response = await ServerConnection.makeRequest(url, init, settings);
  const text = await response.text();
  if (response.ok) {
    return JSON.parse(text) as T;
  }
  throw readProblem(response.status, text);
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
    field('hint')
  );
}
