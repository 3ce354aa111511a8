import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { ServerState } from '../../models/server';

export interface IRunsBodyProps {
  state: ServerState;
  trans: TranslationBundle;
}

/** Code, the same in every language. */
const FIRST_CELLS = '%load_ext labnb\n\n%%labrun\nmodel.fit(X, y)';

/** What to do first, and where the runs are to be seen. */
export function RunsBody({ state, trans }: IRunsBodyProps): JSX.Element {
  return (
    <div className="jp-labnb-empty">
      <p className="jp-labnb-empty-title">{trans.__('Record a run')}</p>
      <p>
        {trans.__(
          'Write %1 above a cell and run it. labnb records its code, data, environment, params, metrics and outputs.',
          '%%labrun'
        )}
      </p>
      <pre>{FIRST_CELLS}</pre>
      <p>
        {trans.__(
          'Then list your runs with %1 in a notebook, or with "labnb runs" in a terminal.',
          '%labruns'
        )}
      </p>
      <ServerLine state={state} trans={trans} />
    </div>
  );
}

function ServerLine({ state, trans }: IRunsBodyProps): JSX.Element | null {
  switch (state.kind) {
    case 'asking':
      return null;
    case 'here':
      return (
        <p className="jp-labnb-quiet">{trans.__('labnb %1', state.version)}</p>
      );
    case 'away':
      return (
        <p role="alert">
          {trans.__(
            'The server side of labnb does not answer. "jupyter server extension list" says whether it is enabled.'
          )}
        </p>
      );
  }
}
