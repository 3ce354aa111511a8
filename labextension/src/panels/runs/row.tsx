/** A run in two lines: what it is, and what came out. Readable at 250 pixels. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { IRunRow } from '../../api/runs';
import { showDuration } from '../../mime/elapsed';
import { showValue } from '../../mime/run';
import { statusName, statusSign } from '../../mime/status';
import { ago, fullTime, readTime } from '../../wording/ago';

export interface IRunRowProps {
  run: IRunRow;
  /** Keys as metrics.accuracy; none are a choice of this row's own. */
  columns: readonly string[];
  /** The key that the list is sorted by; a metric or a param stands first. */
  order: string;
  now: number;
  trans: TranslationBundle;
}

/** As many facts as have a chance to be seen. */
const FACTS = 6;
const SYSTEM = 'system/';

export const RunRow = React.memo((props: IRunRowProps): JSX.Element => {
  const { run, now, trans } = props;
  const started = readTime(run.started);
  const status = statusName(run.status, trans);
  const shown = facts(run, props.columns, props.order);
  const text = run.error || shown.map(([, all]) => all).join(' · ');
  return (
    <>
      <div className="jp-labnb-row-line">
        <span
          className="jp-labnb-sign"
          data-status={run.status}
          role="img"
          aria-label={status}
          title={status}
        >
          {statusSign(run.status)}
        </span>
        <span className="jp-labnb-row-name" dir="auto" title={run.name}>
          {run.name}
        </span>
        {run.target && (
          <span className="jp-labnb-tag" title={trans.__('ran on this target')}>
            {run.target}
          </span>
        )}
        <span className="jp-labnb-row-end" title={fullTime(run.started)}>
          {started === null ? '' : ago(started, now, trans)}
        </span>
      </div>
      <div className="jp-labnb-row-line jp-labnb-row-second" title={text}>
        <span
          className="jp-labnb-row-facts"
          dir={run.error ? 'auto' : undefined}
        >
          {run.error
            ? run.error
            : shown.map(([name, , value]) => (
                <span key={name} className="jp-labnb-fact">
                  <span className="jp-labnb-quiet">{name}</span> {value}
                </span>
              ))}
        </span>
        <span className="jp-labnb-row-end">
          {run.duration !== null && run.status !== 'RUNNING'
            ? roughly(run.duration)
            : run.status === 'RUNNING' && started !== null
              ? roughly(Math.max(0, (now - started) / 1000))
              : ''}
        </span>
      </div>
    </>
  );
});

const HOUR = 3600;

/** A row has no room for the minutes of hours. */
function roughly(seconds: number): string {
  return seconds < HOUR
    ? showDuration(seconds).replace(/^(\d+ min) .*$/, '$1')
    : `${Math.floor(seconds / HOUR).toLocaleString()} h`;
}

/** Names, the whole text and the value of what a row shows: the chosen columns, else metrics and then params. */
export function facts(
  run: IRunRow,
  columns: readonly string[],
  order = ''
): [string, string, string][] {
  const first = order.includes('.')
    ? [order.replace(/\s+(asc|desc)$/i, '').replace(/`/g, '')]
    : [];
  const keys = new Set([
    ...first,
    ...(columns.length > 0
      ? columns
      : [
          ...Object.keys(run.metrics)
            .filter(name => !name.startsWith(SYSTEM))
            .map(name => `metrics.${name}`),
          ...Object.keys(run.params).map(name => `params.${name}`)
        ].slice(0, FACTS))
  ]);
  const found: [string, string, string][] = [];
  for (const key of keys) {
    const value = valueOf(run, key);
    if (value !== undefined) {
      const name = key.slice(key.indexOf('.') + 1);
      found.push([name, `${name} ${value}`, brief(value)]);
    }
  }
  return found;
}

/** Four digits are enough to tell runs apart; the title has them all. */
function brief(value: string): string {
  const number = Number(value);
  return value.trim() !== '' && Number.isFinite(number) && value.includes('.')
    ? String(Number(number.toPrecision(4)))
    : value;
}

/** The value of a key as metrics.accuracy; undefined where the run has none. */
export function valueOf(run: IRunRow, key: string): string | undefined {
  const dot = key.indexOf('.');
  const name = key.slice(dot + 1);
  const kinds: Record<string, Record<string, unknown>> = {
    metrics: run.metrics,
    params: run.params,
    tags: run.tags
  };
  const fields =
    dot < 0
      ? (run as unknown as Record<string, unknown>)
      : kinds[key.slice(0, dot)];
  const value = fields?.[name];
  return value === undefined || value === null ? undefined : showValue(value);
}
