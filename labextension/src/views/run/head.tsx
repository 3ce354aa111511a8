/** The head of a run's page: what it is, how it stands, what one can do with it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { IRunDetail } from '../../api/types';
import { CommandIDs } from '../../commands';
import { showDuration } from '../../mime/elapsed';
import { statusName, statusSign } from '../../mime/status';
import { fullTime } from '../../wording/ago';
import type { IPartProps } from './index';

export function Head(props: IPartProps): JSX.Element {
  const { run, model, context } = props;
  const { trans, commands } = context;
  const args = { uid: run.uid, project: model.api.id };
  const deeds: [string, string][] = [
    [CommandIDs.rerun, trans.__('Rerun as notebook')],
    [CommandIDs.tag, trans.__('Tag…')],
    [CommandIDs.note, trans.__('Note…')],
    [CommandIDs.copyId, trans.__('Copy id')],
    [CommandIDs.remove, trans.__('Delete')]
  ];
  return (
    <header className="jp-labnb-head">
      <div className="jp-labnb-head-line">
        <span
          className="jp-labnb-sign"
          data-status={run.status}
          aria-hidden="true"
        >
          {statusSign(run.status)}
        </span>
        <h1 dir="auto">{run.name}</h1>
        {run.archived && (
          <span className="jp-labnb-tag">{trans.__('archived')}</span>
        )}
      </div>
      <div className="jp-labnb-quiet">{summary(run, trans)}</div>
      <div
        className="jp-labnb-deeds"
        role="toolbar"
        aria-label={trans.__('What to do with this run')}
      >
        {deeds.map(([command, label]) => (
          <button
            key={command}
            type="button"
            className="jp-labnb-button jp-labnb-small"
            onClick={() => void commands.execute(command, args)}
          >
            {label}
          </button>
        ))}
      </div>
    </header>
  );
}

function summary(run: IRunDetail, trans: TranslationBundle): string {
  return [
    statusName(run.status, trans),
    run.duration === null ? '' : showDuration(run.duration),
    fullTime(run.started),
    run.user,
    run.notebook ?? ''
  ]
    .filter(Boolean)
    .join(' · ');
}
