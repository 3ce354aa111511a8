/** The metric curves of a run. */

import * as React from 'react';
import { curvesCell } from '../../charts/cell';
import { Curves } from '../../components/curves';
import type { IPartProps } from './index';

export function RunCurves(props: IPartProps): JSX.Element {
  const { model, run, context } = props;
  const names = React.useMemo(
    () => ({ name: () => run.name, place: () => 0 }),
    [run.name]
  );
  const known = React.useMemo(() => Object.keys(run.metrics), [run.metrics]);
  return (
    <Curves
      model={model.curves}
      known={known}
      names={names}
      title={run.name}
      trans={context.trans}
      cell={metric => curvesCell([run.uid], metric, model.curves.options)}
    />
  );
}
