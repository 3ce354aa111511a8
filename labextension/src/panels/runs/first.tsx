import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { ServerState } from '../../models/server';

export interface IFirstProps {
  state: ServerState;
  trans: TranslationBundle;
}

/** Code, the same in every language. */
const FIRST_CELLS = '%load_ext labnb\n\n%%labrun\nmodel.fit(X, y)';

/** What to do first, where there are no runs yet. */
export function First({ state, trans }: IFirstProps): JSX.Element {
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
      <p>{trans.__('The run stands here while it goes on, and stays.')}</p>
      {state.kind === 'here' && (
        <p className="jp-labnb-quiet">{trans.__('labnb %1', state.version)}</p>
      )}
    </div>
  );
}
