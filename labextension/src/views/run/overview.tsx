/** The run at a glance. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { Facts, type Fact } from '../../components/table';
import { showValue } from '../../mime/run';
import { fullTime } from '../../wording/ago';
import { showSize } from '../../wording/size';
import { shortVersion } from '../../wording/version';
import type { IPartProps } from './index';

const SHOWN = 12;
const SYSTEM = 'system/';

export function Overview(
  props: IPartProps & { onTab(id: string): void }
): JSX.Element {
  const { run, model, context, onTab } = props;
  const { trans } = context;
  const metrics = Object.entries(run.metrics)
    .filter(([name]) => !name.startsWith(SYSTEM))
    .map(([name, value]): Fact => [name, showValue(value)]);
  const params = Object.entries(run.params).map(([name, value]): Fact => [
    name,
    showValue(value)
  ]);
  const facts: Fact[] = [
    [trans.__('Started'), fullTime(run.started)],
    [trans.__('Ended'), fullTime(run.ended)],
    [trans.__('User'), run.user],
    [
      trans.__('Notebook'),
      run.notebook && (
        <button
          type="button"
          className="jp-labnb-link"
          onClick={() => context.openFile(model.api.id, run.notebook!)}
        >
          {run.notebook}
        </button>
      )
    ],
    [trans.__('Id'), <code>{run.uid}</code>],
    [
      trans.__('Fingerprint'),
      run.fingerprint && <code>{shortVersion(run.fingerprint)}</code>
    ],
    [
      trans.__('Published'),
      publishedName(run.published, trans) +
        (run.published_why && run.published !== 'published'
          ? `: ${run.published_why}`
          : '')
    ],
    [
      trans.__('MLflow'),
      run.mlflow && `${run.mlflow.experiment} · ${run.mlflow.run_id}`
    ]
  ];
  const tags = Object.entries(run.tags).map(([name, value]): Fact => [
    name,
    value
  ]);
  const inputs = run.inputs
    .slice(0, SHOWN)
    .map((one): Fact => [
      one.path,
      `${shortVersion(one.version ?? one.digest)} · ${showSize(one.size)}`
    ]);
  return (
    <div className="jp-labnb-cards">
      {run.error && (
        <section className="jp-labnb-card-wide">
          <h2>{trans.__('Why it failed')}</h2>
          <pre className="jp-labnb-error" dir="auto">
            {errorText(run.error)}
          </pre>
        </section>
      )}
      {run.notes.length > 0 && (
        <section className="jp-labnb-card-wide">
          <h2>{trans.__('What the reader must know')}</h2>
          <ul>
            {run.notes.map((note, index) => (
              <li key={index} dir="auto">
                {note.message}{' '}
                <span className="jp-labnb-quiet">{note.hint}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {run.note && (
        <section className="jp-labnb-card-wide">
          <h2>{trans.__('Note')}</h2>
          <p className="jp-labnb-note" dir="auto">
            {run.note}
          </p>
        </section>
      )}
      <Part
        title={trans.__('Metrics')}
        facts={metrics}
        {...{ onTab }}
        tab="metrics"
        more={trans.__('all')}
      />
      <Part
        title={trans.__('Params')}
        facts={params}
        {...{ onTab }}
        tab="params"
        more={trans.__('all')}
      />
      <Part
        title={trans.__('Inputs')}
        facts={inputs}
        {...{ onTab }}
        tab="data"
        more={trans.__('all')}
      />
      <section>
        <h2>{trans.__('About')}</h2>
        <Facts facts={facts} />
      </section>
      {tags.length > 0 && (
        <section>
          <h2>{trans.__('Tags')}</h2>
          <Facts facts={tags} />
        </section>
      )}
    </div>
  );
}

function Part(props: {
  title: string;
  facts: readonly Fact[];
  tab: string;
  more: string;
  onTab(id: string): void;
}): JSX.Element | null {
  if (props.facts.length === 0) {
    return null;
  }
  return (
    <section>
      <h2>
        {props.title}
        <button
          type="button"
          className="jp-labnb-link"
          aria-label={`${props.title}: ${props.more}`}
          onClick={() => props.onTab(props.tab)}
        >
          {props.more}
        </button>
      </h2>
      <Facts facts={props.facts.slice(0, SHOWN)} label={props.title} />
    </section>
  );
}

export function errorText(error: Record<string, string>): string {
  const { traceback, type, message } = error;
  return traceback || [type, message].filter(Boolean).join(': ');
}

function publishedName(state: string, trans: TranslationBundle): string {
  switch (state) {
    case 'local':
      return trans.__('local');
    case 'publishing':
      return trans.__('publishing');
    case 'published':
      return trans.__('published');
    case 'failing':
      return trans.__('failing');
    default:
      return state;
  }
}
