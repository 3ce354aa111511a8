/** What narrows and orders the list: a search box, and below it what is set with a click. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { SearchBox } from '../../components/search_box';
import type { RunsModel } from '../../models/runs';
import { statusName } from '../../mime/status';

export interface IFiltersProps {
  model: RunsModel;
  trans: TranslationBundle;
  onColumns(): void;
}

const STATUSES = [
  'RUNNING',
  'FINISHED',
  'FAILED',
  'KILLED',
  'SCHEDULED'
] as const;

export function Filters(props: IFiltersProps): JSX.Element {
  const { model, trans } = props;
  const query = model.list.query;
  const { keys } = model;
  return (
    <div className="jp-labnb-filters" role="search">
      <SearchBox
        value={query.search}
        label={trans.__('Search runs')}
        placeholder={trans.__('text or metrics.loss < 1')}
        suggestions={[
          ...keys.metrics.map(name => `metrics.${name}`),
          ...keys.params.map(name => `params.${name}`),
          ...keys.tags.map(name => `tags.${name}`)
        ]}
        onChange={search => model.set({ search })}
      />
      <div className="jp-labnb-chips">
        <Toggle
          on={model.hereOnly}
          disabled={!model.notebook && !model.hereOnly}
          title={
            model.notebook
              ? trans.__('Only runs of %1', model.notebook)
              : trans.__('Open a notebook to see only its runs')
          }
          onChange={on => (model.hereOnly = on)}
        >
          {trans.__('Notebook')}
        </Toggle>
        <Toggle
          on={query.mine}
          title={trans.__('Only your own runs')}
          onChange={mine => model.set({ mine })}
        >
          {trans.__('Mine')}
        </Toggle>
        <select
          className="jp-labnb-select"
          aria-label={trans.__('Status')}
          value={query.archived ? 'ARCHIVED' : query.status}
          onChange={event => {
            const status = event.currentTarget.value;
            model.set(
              status === 'ARCHIVED'
                ? { status: '', archived: true }
                : { status, archived: false }
            );
          }}
        >
          <option value="">{trans.__('any status')}</option>
          {STATUSES.map(status => (
            <option key={status} value={status}>
              {statusName(status, trans)}
            </option>
          ))}
          <option value="ARCHIVED">{trans.__('archived')}</option>
        </select>
        {(keys.tags.length > 0 || query.tag) && (
          <select
            className="jp-labnb-select"
            aria-label={trans.__('Tag')}
            value={query.tag}
            onChange={event => model.set({ tag: event.currentTarget.value })}
          >
            <option value="">{trans.__('any tag')}</option>
            {keys.tags.map(name => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        )}
        <Order model={model} trans={trans} />
        <button
          type="button"
          className="jp-labnb-button jp-labnb-small"
          title={trans.__('Choose what the rows show')}
          aria-label={trans.__('Columns')}
          aria-haspopup="dialog"
          onClick={props.onColumns}
        >
          ☰
        </button>
      </div>
    </div>
  );
}

function Order(props: {
  model: RunsModel;
  trans: TranslationBundle;
}): JSX.Element {
  const { model, trans } = props;
  const [key, descending] = splitOrder(model.choices.order);
  const set = (to: string, down: boolean): void =>
    model.choose({ order: `${to} ${down ? 'DESC' : 'ASC'}` });
  const fixed: [string, string][] = [
    ['started', trans.__('started')],
    ['name', trans.__('name')],
    ['duration', trans.__('duration')]
  ];
  const more = [
    ...model.keys.metrics.map(name => `metrics.${quoted(name)}`),
    ...model.keys.params.map(name => `params.${quoted(name)}`)
  ];
  const all = [...fixed.map(([one]) => one), ...more];
  return (
    <span className="jp-labnb-order">
      <select
        className="jp-labnb-select"
        aria-label={trans.__('Sort by')}
        value={key}
        onChange={event => set(event.currentTarget.value, descending)}
      >
        {fixed.map(([one, label]) => (
          <option key={one} value={one}>
            {label}
          </option>
        ))}
        {!all.includes(key) && <option value={key}>{key}</option>}
        {more.map(one => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
      <button
        type="button"
        className="jp-labnb-button jp-labnb-small"
        aria-label={
          descending
            ? trans.__('Largest or newest first')
            : trans.__('Smallest or oldest first')
        }
        title={
          descending
            ? trans.__('Largest or newest first')
            : trans.__('Smallest or oldest first')
        }
        onClick={() => set(key, !descending)}
      >
        {descending ? '↓' : '↑'}
      </button>
    </span>
  );
}

function Toggle(props: {
  on: boolean;
  title: string;
  disabled?: boolean;
  children: React.ReactNode;
  onChange(on: boolean): void;
}): JSX.Element {
  return (
    <button
      type="button"
      className="jp-labnb-button jp-labnb-small"
      aria-pressed={props.on}
      disabled={props.disabled}
      title={props.title}
      onClick={() => props.onChange(!props.on)}
    >
      {props.children}
    </button>
  );
}

/** A key and whether it descends, from "metrics.accuracy DESC". */
export function splitOrder(order: string): [string, boolean] {
  const found = /^(.*?)(?:\s+(asc|desc))?$/i.exec(order.trim());
  return [found?.[1] ?? order, found?.[2]?.toLowerCase() === 'desc'];
}

/** A name as the grammar takes it. */
export function quoted(name: string): string {
  return /^[\w./-]+$/.test(name) ? name : `\`${name}\``;
}
