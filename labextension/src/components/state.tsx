/** What stands where rows would: loading, nothing yet, nothing found, not reachable. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { Problem } from '../api/request';

/** Nothing for a moment, then a word: quick answers do not flicker. */
export function Loading(props: { trans: TranslationBundle }): JSX.Element {
  return (
    <div className="jp-labnb-loading" role="status">
      {props.trans.__('Loading…')}
    </div>
  );
}

/** What went wrong, what would help, and a way to try again. */
export function Failed(props: {
  problem: Problem;
  trans: TranslationBundle;
  onRetry?(): void;
}): JSX.Element {
  const { problem, trans, onRetry } = props;
  return (
    <div className="jp-labnb-failed" role="alert">
      <div>{says(problem, trans)}</div>
      {hint(problem, trans) && (
        <div className="jp-labnb-quiet">{hint(problem, trans)}</div>
      )}
      {onRetry && (
        <button
          type="button"
          className="jp-labnb-button"
          onClick={() => onRetry()}
        >
          {trans.__('Try again')}
        </button>
      )}
    </div>
  );
}

/** A quiet line where there is nothing to show. */
export function Nothing(props: { children: React.ReactNode }): JSX.Element {
  return <div className="jp-labnb-empty jp-labnb-quiet">{props.children}</div>;
}

function says(problem: Problem, trans: TranslationBundle): string {
  return problem.code === 'unreachable'
    ? trans.__('The Jupyter server does not answer.')
    : problem.message;
}

function hint(problem: Problem, trans: TranslationBundle): string {
  if (problem.hint) {
    return problem.hint;
  }
  if (problem.code === '404') {
    return trans.__(
      '"jupyter server extension list" says whether labnb is enabled.'
    );
  }
  return '';
}
