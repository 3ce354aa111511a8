/** The curves of some metrics, with what one changes about them above. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';
import { curvesFigure, fromX, type ICurveNames } from '../charts/curves';
import type { IFigure } from '../charts/figure';
import type { Axis } from '../api/types';
import type { CurvesModel } from '../models/curves';
import { Chart } from './chart';
import { Exports } from './exports';
import { Failed, Loading, Nothing } from './state';

export interface ICurvesProps {
  model: CurvesModel;
  /** Metrics that there are, as far as is known. */
  known: readonly string[];
  names: ICurveNames;
  /** Goes into the names of exported files. */
  title: string;
  trans: TranslationBundle;
  /** Python that draws this metric again. */
  cell(metric: string): string;
}

export function Curves(props: ICurvesProps): JSX.Element {
  const { model, known } = props;
  React.useEffect(() => model.need(known), [model, known]);
  return (
    <UseSignal signal={model.changed}>{() => <Drawn {...props} />}</UseSignal>
  );
}

function Drawn(props: ICurvesProps): JSX.Element {
  const { model, trans } = props;
  if (!model.ready) {
    return <Loading trans={trans} />;
  }
  if (model.problem) {
    return (
      <Failed
        problem={model.problem}
        trans={trans}
        onRetry={() => void model.renew()}
      />
    );
  }
  if (model.names.length === 0) {
    return (
      <Nothing>
        {trans.__(
          'No metrics. Log some in the cell: labnb.log({"loss": loss}, step=i)'
        )}
      </Nothing>
    );
  }
  return (
    <div className="jp-labnb-curves">
      <Controls {...props} />
      <div className="jp-labnb-charts">
        {model.shown.map(name => (
          <One key={name} metric={name} {...props} />
        ))}
      </div>
    </div>
  );
}

function One(props: ICurvesProps & { metric: string }): JSX.Element {
  const { model, metric, names, trans } = props;
  const curves = model.of(metric);
  const { options } = model;
  const figure = React.useMemo<IFigure>(
    () => curvesFigure(curves, options, names, metric),
    [curves, options, names, metric]
  );
  const [node, setNode] = React.useState<HTMLElement | null>(null);
  const total = curves.reduce((sum, curve) => sum + curve.total, 0);
  const drawn = curves.reduce((sum, curve) => sum + curve.x.length, 0);
  return (
    <figure className="jp-labnb-figure">
      <Chart
        figure={figure}
        label={trans.__('Curve of %1', metric)}
        onDrawn={setNode}
        onZoom={span => {
          const log = options.logX && options.x !== 'time';
          void model.zoom(
            metric,
            span && [
              fromX(span[0], options.x, log),
              fromX(span[1], options.x, log)
            ]
          );
        }}
      />
      <figcaption>
        <span className="jp-labnb-quiet">
          {drawn < total
            ? trans.__(
                '%1 of %2 points',
                drawn.toLocaleString(),
                total.toLocaleString()
              )
            : trans.__('%1 points', total.toLocaleString())}
        </span>
        <Exports
          node={node}
          figure={figure}
          name={`${props.title}-${metric}`}
          cell={() => props.cell(metric)}
          trans={trans}
        />
      </figcaption>
    </figure>
  );
}

function Controls(props: ICurvesProps): JSX.Element {
  const { model, trans } = props;
  const { options } = model;
  const axes: [Axis, string][] = [
    ['step', trans.__('step')],
    ['time', trans.__('time')],
    ['relative', trans.__('time since the start')]
  ];
  return (
    <div
      className="jp-labnb-controls"
      role="toolbar"
      aria-label={trans.__('Curves')}
    >
      <label>
        {trans.__('Over')}{' '}
        <select
          className="jp-labnb-select"
          value={options.x}
          onChange={event =>
            model.set({ x: event.currentTarget.value as Axis })
          }
        >
          {axes.map(([axis, label]) => (
            <option key={axis} value={axis}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <label>
        {trans.__('Smoothing')}{' '}
        <input
          type="range"
          min={0}
          max={0.99}
          step={0.01}
          value={options.smoothing}
          aria-valuetext={String(options.smoothing)}
          onChange={event =>
            model.set({ smoothing: Number(event.currentTarget.value) })
          }
        />
      </label>
      <label>
        <input
          type="checkbox"
          checked={options.logY}
          onChange={event => model.set({ logY: event.currentTarget.checked })}
        />
        {trans.__('log y')}
      </label>
      <label>
        <input
          type="checkbox"
          checked={options.logX}
          disabled={options.x === 'time'}
          onChange={event => model.set({ logX: event.currentTarget.checked })}
        />
        {trans.__('log x')}
      </label>
      <details className="jp-labnb-choice">
        <summary>
          {trans.__('%1 of %2 metrics', model.shown.length, model.names.length)}
        </summary>
        <div className="jp-labnb-choice-list">
          {model.names.map(name => (
            <label key={name}>
              <input
                type="checkbox"
                checked={model.shown.includes(name)}
                onChange={event => {
                  const on = event.currentTarget.checked;
                  const kept = model.shown.filter(one => one !== name);
                  model.show(on ? [...kept, name] : kept);
                }}
              />
              {name}
            </label>
          ))}
        </div>
      </details>
    </div>
  );
}
