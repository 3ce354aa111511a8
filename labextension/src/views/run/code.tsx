/** The code of a run: the cell, what it needs, and how it differs from the last commit or from another run. */

import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { ICode } from '../../api/types';
import { Code } from '../../components/code';
import { Diff } from '../../components/diff';
import { Shown } from '../../components/shown';
import { Nothing } from '../../components/state';
import { shortVersion } from '../../wording/version';
import { Against } from './against';
import type { IPartProps } from './index';

export function CodePart(props: IPartProps): JSX.Element {
  const { model, context } = props;
  const { trans } = context;
  return (
    <div className="jp-labnb-part">
      <UseSignal signal={model.code.changed}>
        {() => (
          <Against
            {...props}
            value={model.against}
            commit
            onChange={value => (model.against = value)}
          />
        )}
      </UseSignal>
      <Shown
        asked={model.code}
        trans={trans}
        draw={code => <Drawn {...props} code={code} />}
      />
    </div>
  );
}

function Drawn(props: IPartProps & { code: ICode }): JSX.Element {
  const { code, context } = props;
  const { trans, languages } = context;
  const about = [
    code.commit ? shortVersion(code.commit) : trans.__('no commit yet'),
    code.branch ? trans.__('on %1', code.branch) : '',
    code.dirty ? trans.__('with uncommitted changes') : ''
  ].filter(Boolean);
  return (
    <>
      <p className="jp-labnb-quiet">{about.join(' · ')}</p>
      {code.message && <p className="jp-labnb-quiet">{code.message}</p>}
      {code.against ? (
        code.same || !code.diff ? (
          <Nothing>{trans.__('The code is the same.')}</Nothing>
        ) : (
          <>
            <Diff
              text={code.diff}
              label={trans.__('Difference')}
              trans={trans}
            />
            {code.cut && (
              <p className="jp-labnb-quiet">
                {trans.__('The difference is too long to be shown whole.')}
              </p>
            )}
          </>
        )
      ) : (
        <>
          <h2>{trans.__('The cell')}</h2>
          <Code
            text={code.source}
            language="python"
            label={trans.__('The cell')}
            languages={languages}
          />
          {code.script && (
            <>
              <h2>{trans.__('With what it needs')}</h2>
              <Code
                text={code.script}
                language="python"
                label={trans.__('With what it needs')}
                languages={languages}
              />
            </>
          )}
        </>
      )}
      {code.left_out.length > 0 && (
        <p className="jp-labnb-quiet">
          {trans.__('Left out of the snapshot: %1', code.left_out.join(', '))}
        </p>
      )}
    </>
  );
}
