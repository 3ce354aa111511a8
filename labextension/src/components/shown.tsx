/** What was asked of the server, or why it is not there. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { Asked } from '../models/asked';
import { Failed, Loading } from './state';

export function Shown<T>(props: {
  asked: Asked<T>;
  trans: TranslationBundle;
  draw(value: T): React.ReactNode;
}): JSX.Element {
  const { asked, trans, draw } = props;
  React.useEffect(() => asked.need(), [asked]);
  return (
    <UseSignal signal={asked.changed}>
      {() => (
        <>
          {asked.problem && (
            <Failed
              problem={asked.problem}
              trans={trans}
              onRetry={() => void asked.refresh()}
            />
          )}
          {asked.value !== null
            ? draw(asked.value)
            : !asked.problem && <Loading trans={trans} />}
        </>
      )}
    </UseSignal>
  );
}
