/** labnb's events on Jupyter's own stream. */

import type { ITold, Noun } from '../models/feed';

const SCHEMA = /^https:\/\/events\.labnb\.dev\/(run|job|dataset)$/;

/** What an event tells; null for those of others, and for what a later labnb may add. */
export function readEvent(event: unknown): ITold | null {
  const told = (event ?? {}) as Record<string, unknown>;
  const noun = SCHEMA.exec(String(told.schema_id ?? ''))?.[1];
  if (!noun) {
    return null;
  }
  return {
    noun: noun as Noun,
    project: typeof told.project === 'string' ? told.project : '',
    changed: words(told.changed),
    gone: words(told.gone),
    all: told.all === true
  };
}

function words(value: unknown): string[] {
  return Array.isArray(value)
    ? value.filter((one): one is string => typeof one === 'string')
    : [];
}
