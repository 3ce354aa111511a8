/** A log: its end first, followed while it grows, as long as one does not scroll away from it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { LogModel } from '../models/log';
import { showSize } from '../wording/size';
import { Failed, Loading } from './state';

export function Log(props: {
  model: LogModel;
  trans: TranslationBundle;
}): JSX.Element {
  const { model } = props;
  React.useEffect(() => {
    model.follow();
    return () => model.stop();
  }, [model]);
  return (
    <UseSignal signal={model.changed}>{() => <Lines {...props} />}</UseSignal>
  );
}

function Lines(props: {
  model: LogModel;
  trans: TranslationBundle;
}): JSX.Element {
  const { model, trans } = props;
  const box = React.useRef<HTMLPreElement>(null);
  const follows = React.useRef(true);
  const { text } = model;
  React.useLayoutEffect(() => {
    const node = box.current;
    if (node && follows.current) {
      node.scrollTop = node.scrollHeight;
    }
  }, [text]);
  if (!model.ready) {
    return <Loading trans={trans} />;
  }
  const { problem } = model;
  return (
    <div className="jp-labnb-log">
      {problem && (
        <Failed
          problem={problem}
          trans={trans}
          onRetry={() => void model.tail()}
        />
      )}
      <div className="jp-labnb-log-head">
        <span role="status">
          {model.ended
            ? showSize(model.size)
            : trans.__('%1, growing', showSize(model.size))}
        </span>
        {model.from > 0 && (
          <button
            type="button"
            className="jp-labnb-button jp-labnb-small"
            onClick={() => {
              follows.current = false;
              void model.earlier();
            }}
          >
            {trans.__('Earlier (%1 more)', showSize(model.from))}
          </button>
        )}
        {!model.atEnd && (
          <button
            type="button"
            className="jp-labnb-button jp-labnb-small"
            onClick={() => {
              follows.current = true;
              void model.tail();
            }}
          >
            {trans.__('To the end')}
          </button>
        )}
      </div>
      {text ? (
        <pre
          ref={box}
          tabIndex={0}
          role="log"
          aria-live="off"
          aria-label={trans.__('Log')}
          onScroll={event => {
            const node = event.currentTarget;
            follows.current =
              node.scrollTop + node.clientHeight >= node.scrollHeight - 8;
          }}
        >
          {text}
        </pre>
      ) : (
        !problem && (
          <div className="jp-labnb-empty jp-labnb-quiet">
            {trans.__('Nothing was printed.')}
          </div>
        )
      )}
    </div>
  );
}
