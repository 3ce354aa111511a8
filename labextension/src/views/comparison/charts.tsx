/** Params and metrics over the runs: parallel coordinates, a scatter, bars. */

import * as React from 'react';
import { barCell, parallelCell, scatterCell } from '../../charts/cell';
import { barFigure, parallelFigure, scatterFigure } from '../../charts/facts';
import type { IFigure } from '../../charts/figure';
import { Chart } from '../../components/chart';
import { Exports } from '../../components/exports';
import { Nothing } from '../../components/state';
import type { IComparisonPartProps } from './index';

export function FactCharts(props: IComparisonPartProps): JSX.Element {
  const { facts, model, context } = props;
  const { trans } = context;
  const { drawn, keys } = model;
  const uids = facts.runs.map(run => run.uid);
  const parallel = React.useMemo(
    () => parallelFigure(facts, drawn.axes),
    [facts, drawn.axes]
  );
  const scatter = React.useMemo(
    () => scatterFigure(facts, drawn.x, drawn.y),
    [facts, drawn.x, drawn.y]
  );
  const bar = React.useMemo(() => barFigure(facts, drawn.y), [facts, drawn.y]);
  if (keys.length === 0) {
    return (
      <Nothing>{trans.__('These runs have no params and no metrics.')}</Nothing>
    );
  }
  return (
    <div className="jp-labnb-part">
      <h2>{trans.__('Parallel coordinates')}</h2>
      <details className="jp-labnb-choice">
        <summary>
          {trans.__('%1 of %2 axes', drawn.axes.length, keys.length)}
        </summary>
        <div className="jp-labnb-choice-list">
          {keys.map(key => (
            <label key={key}>
              <input
                type="checkbox"
                checked={drawn.axes.includes(key)}
                onChange={event => {
                  const kept = drawn.axes.filter(one => one !== key);
                  model.draw({
                    axes: event.currentTarget.checked ? [...kept, key] : kept
                  });
                }}
              />
              {key}
            </label>
          ))}
        </div>
      </details>
      {drawn.axes.length > 1 ? (
        <Drawn
          {...props}
          figure={parallel}
          label={trans.__('Parallel coordinates')}
          name="parallel"
          height={320}
          cell={() => parallelCell(uids, drawn.axes)}
        />
      ) : (
        <Nothing>{trans.__('Choose at least two axes.')}</Nothing>
      )}
      <div className="jp-labnb-controls">
        <Key
          {...props}
          label={trans.__('x')}
          value={drawn.x}
          onChange={x => model.draw({ x })}
        />
        <Key
          {...props}
          label={trans.__('y')}
          value={drawn.y}
          onChange={y => model.draw({ y })}
        />
      </div>
      <div className="jp-labnb-charts">
        <Drawn
          {...props}
          figure={scatter}
          label={trans.__('Scatter')}
          name="scatter"
          height={300}
          cell={() => scatterCell(uids, drawn.x, drawn.y)}
        />
        <Drawn
          {...props}
          figure={bar}
          label={trans.__('Bars')}
          name="bars"
          height={300}
          cell={() => barCell(uids, drawn.y)}
        />
      </div>
    </div>
  );
}

function Drawn(
  props: IComparisonPartProps & {
    figure: IFigure;
    label: string;
    name: string;
    height: number;
    cell(): string;
  }
): JSX.Element {
  const { figure, label, name, height, cell, context } = props;
  const [node, setNode] = React.useState<HTMLElement | null>(null);
  return (
    <figure className="jp-labnb-figure">
      <Chart figure={figure} label={label} height={height} onDrawn={setNode} />
      <figcaption>
        <span className="jp-labnb-quiet">{label}</span>
        <Exports
          node={node}
          figure={figure}
          name={name}
          cell={cell}
          trans={context.trans}
        />
      </figcaption>
    </figure>
  );
}

function Key(
  props: IComparisonPartProps & {
    label: string;
    value: string;
    onChange(key: string): void;
  }
): JSX.Element {
  return (
    <label>
      {props.label}{' '}
      <select
        className="jp-labnb-select"
        value={props.value}
        onChange={event => props.onChange(event.currentTarget.value)}
      >
        {props.model.keys.map(key => (
          <option key={key} value={key}>
            {key}
          </option>
        ))}
      </select>
    </label>
  );
}
