/** Figures of metric curves. Pure functions from data to what Plotly takes. */

import type { ICurve } from '../api/types';
import type { ICurvesOptions } from '../models/curves';
import type { IFigure, Trace } from './figure';
import { stroke } from './theme';

export interface ICurveNames {
  /** The name of a run, by its uid. */
  name(uid: string): string;
  /** The place of a run, which decides its colour. */
  place(uid: string): number;
}

/** Written out: Plotly would make 25,200.0015 seconds 25.2000015k s. */
const SECONDS = {
  ticksuffix: ' s',
  exponentformat: 'none',
  separatethousands: true
};

/** One metric of some runs. */
export function curvesFigure(
  curves: readonly ICurve[],
  options: ICurvesOptions,
  names: ICurveNames,
  title: string
): IFigure {
  const data: Trace[] = [];
  for (const curve of curves) {
    const { color, dash } = stroke(names.place(curve.run));
    const x = curve.x.map(value => toX(value, options.x));
    const name = names.name(curve.run);
    const few = curve.x.length <= 40;
    const common = {
      type: 'scatter',
      mode: few ? 'lines+markers' : 'lines',
      marker: { size: 4, color },
      name: escapeText(name),
      x
    };
    if (options.smoothing > 0) {
      data.push({
        ...common,
        y: curve.y,
        mode: 'lines',
        line: { color, width: 1, dash },
        opacity: 0.25,
        showlegend: false,
        hoverinfo: 'skip'
      });
    }
    data.push({
      ...common,
      y: options.smoothing > 0 ? smooth(curve.y, options.smoothing) : curve.y,
      // Points that nobody could tell apart were left out by the server.
      line: { color, width: 1.5, dash, simplify: false },
      hovertemplate: `${escapeText(name)}<br>%{x}: %{y}<extra></extra>`
    });
  }
  return {
    data,
    layout: {
      showlegend: false,
      title: {
        text: escapeText(title),
        font: { size: 12 },
        x: 0.01,
        xanchor: 'left',
        y: 0.98,
        yanchor: 'top'
      },
      margin: { l: 56, r: 12, t: 30, b: 32 },
      xaxis: {
        type: options.x === 'time' ? 'date' : options.logX ? 'log' : 'linear',
        ...(options.x === 'relative' ? SECONDS : {})
      },
      yaxis: { type: options.logY ? 'log' : 'linear' },
      // What the reader zoomed to outlives new points.
      uirevision: `${escapeText(title)} ${options.x} ${options.logX}`
    }
  };
}

/**
 * An exponential mean that begins without a bias towards zero, as TensorBoard's; gaps stay gaps.
 *
 * `factor` from 0 (as it is) to below 1 (nearly flat).
 */
export function smooth(
  values: readonly (number | null)[],
  factor: number
): (number | null)[] {
  let last = 0;
  let weight = 0;
  return values.map(value => {
    if (value === null) {
      return null;
    }
    last = last * factor + (1 - factor) * value;
    weight = weight * factor + (1 - factor);
    return last / weight;
  });
}

/** A value of the axis as Plotly draws it: times are drawn in the reader's own zone. */
export function toX(value: number, axis: string): number {
  return axis === 'time' ? value * 1000 - zone(value * 1000) : value;
}

/** Back from what Plotly told of a zoom, to what the server understands. */
export function fromX(value: number, axis: string, log: boolean): number {
  if (axis === 'time') {
    return (value + zone(value)) / 1000;
  }
  return log ? 10 ** value : value;
}

/** Plotly reads a little HTML in its texts; names are shown as they are. */
export function escapeText(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;');
}

function zone(milliseconds: number): number {
  return new Date(milliseconds).getTimezoneOffset() * 60_000;
}
