/** A unified diff, line by line: what went, what came, and where. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

export interface IDiffProps {
  text: string;
  label: string;
  trans: TranslationBundle;
}

/** Lines drawn at first; a diff of a whole notebook may have very many. */
const AT_FIRST = 1_000;

const KINDS: Record<string, string> = {
  '+': 'added',
  '-': 'removed',
  '@': 'place',
  '\\': 'note'
};

export function Diff(props: IDiffProps): JSX.Element {
  const { trans } = props;
  const [whole, setWhole] = React.useState(false);
  const lines = React.useMemo(
    () => props.text.replace(/\n$/, '').split('\n'),
    [props.text]
  );
  const shown = whole ? lines : lines.slice(0, AT_FIRST);
  return (
    <div className="jp-labnb-diff" role="group" aria-label={props.label}>
      <pre tabIndex={0}>
        {shown.map((line, index) => {
          const kind = kindOf(line);
          return (
            <span key={index} className="jp-labnb-diff-line" data-kind={kind}>
              {kind === 'added' || kind === 'removed' ? (
                <span className="jp-labnb-unseen">
                  {kind === 'added'
                    ? trans.__('added: ')
                    : trans.__('removed: ')}
                </span>
              ) : null}
              {line}
              {'\n'}
            </span>
          );
        })}
      </pre>
      {shown.length < lines.length && (
        <button
          type="button"
          className="jp-labnb-button"
          onClick={() => setWhole(true)}
        >
          {trans.__('Show all %1 lines', lines.length.toLocaleString())}
        </button>
      )}
    </div>
  );
}

export function kindOf(line: string): string {
  if (
    /^(diff |index |--- |\+\+\+ |new file|deleted file|rename |similarity )/.test(
      line
    )
  ) {
    return 'file';
  }
  return KINDS[line[0] ?? ''] ?? 'same';
}
