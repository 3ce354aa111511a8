/** The section "Runs": filters, the list, and one line that says how much there is and how fresh it is. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { IFreshness } from '../../api/types';
import { Failed, Loading } from '../../components/state';
import { VirtualList } from '../../components/virtual_list';
import type { RunsModel } from '../../models/runs';
import type { ServerState } from '../../models/server';
import { Filters } from './filters';
import { First } from './first';
import { RunRow } from './row';

export interface IRunsBodyProps {
  model: RunsModel;
  server: ServerState;
  now: number;
  trans: TranslationBundle;
  onOpen(uid: string): void;
  onCompare(): void;
  onDelete(): void;
  onColumns(): void;
  onRetry(): void;
}

export const ROW_HEIGHT = 44;

export function RunsBody(props: IRunsBodyProps): JSX.Element {
  const { model, server, trans, now } = props;
  const { list, selection } = model;
  const { state } = list;
  const onRange = React.useCallback(
    (first: number, last: number) => list.show(first, last),
    [list]
  );
  if (server.kind === 'away' && list.count === 0) {
    return <Away trans={trans} onRetry={props.onRetry} />;
  }
  const empty = state.kind === 'ready' && list.count === 0;
  if (empty && !model.narrowed && !list.query.archived) {
    return <First state={server} trans={trans} />;
  }
  return (
    <>
      <Filters model={model} trans={trans} onColumns={props.onColumns} />
      {state.kind === 'failed' && (
        <Failed problem={state.problem} trans={trans} onRetry={props.onRetry} />
      )}
      {state.kind === 'loading' && list.count === 0 && (
        <Loading trans={trans} />
      )}
      {empty ? (
        <div className="jp-labnb-empty">
          <p>{trans.__('No run fits.')}</p>
          <button
            type="button"
            className="jp-labnb-button"
            onClick={() => model.clear()}
          >
            {trans.__('Show all runs')}
          </button>
        </div>
      ) : (
        <VirtualList
          label={trans.__('Runs')}
          kind="run"
          rows={list}
          total={list.total}
          selection={selection}
          rowHeight={ROW_HEIGHT}
          row={index => (
            <RunRow
              run={list.at(index)!}
              columns={model.choices.columns}
              order={list.query.order}
              now={now}
              trans={trans}
            />
          )}
          onRange={onRange}
          onOpen={index => {
            const run = list.at(index);
            if (run) {
              props.onOpen(run.id);
            }
          }}
          onDelete={props.onDelete}
        />
      )}
      <Foot {...props} />
    </>
  );
}

/** The server side is not there at all; how to look into it. */
function Away(props: {
  trans: TranslationBundle;
  onRetry(): void;
}): JSX.Element {
  const { trans, onRetry } = props;
  return (
    <div className="jp-labnb-failed" role="alert">
      <div>
        {trans.__(
          'The server side of labnb does not answer. "jupyter server extension list" says whether it is enabled.'
        )}
      </div>
      <button type="button" className="jp-labnb-button" onClick={onRetry}>
        {trans.__('Try again')}
      </button>
    </div>
  );
}

function Foot(props: IRunsBodyProps): JSX.Element {
  const { model, trans } = props;
  const { list, selection } = model;
  const chosen = selection.ids.length;
  const count =
    list.total === 1
      ? trans.__('1 run')
      : trans.__('%1 runs', list.total.toLocaleString());
  return (
    <div className="jp-labnb-foot">
      <span role="status">
        {chosen > 1 ? trans.__('%1 of %2', chosen, count) : count}
        <Behind freshness={model.freshness} trans={trans} />
      </span>
      {chosen > 1 && (
        <button
          type="button"
          className="jp-labnb-button jp-labnb-small"
          disabled={chosen > MOST}
          title={
            chosen > MOST
              ? trans.__('At most %1 runs are compared.', MOST)
              : undefined
          }
          onClick={props.onCompare}
        >
          {trans.__('Compare %1', chosen)}
        </button>
      )}
    </div>
  );
}

/** How far the list may be behind what was recorded; nothing where it is not. */
function Behind(props: {
  freshness: IFreshness | null;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { freshness, trans } = props;
  if (!freshness || (freshness.state === 'current' && !freshness.message)) {
    return null;
  }
  const says =
    freshness.state === 'reading'
      ? freshness.waiting
        ? trans.__('reading %1 more', freshness.waiting.toLocaleString())
        : trans.__('reading')
      : freshness.message || trans.__('not current');
  return (
    <span className="jp-labnb-quiet" title={freshness.message || says}>
      {' · '}
      {says}
    </span>
  );
}

/** Runs in one comparison. */
export const MOST = 50;
