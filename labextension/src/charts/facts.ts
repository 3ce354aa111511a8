/** Figures of params and metrics over runs: scatter, bars, parallel coordinates. Pure. */

import type { IComparison, IRunItem } from '../api/types';
import { escapeText } from './curves';
import type { IFigure } from './figure';
import { stroke } from './theme';

/** The value of a key as metrics.loss for each run; null where it has none. */
export function valuesOf(
  facts: IComparison,
  key: string
): (string | number | null)[] {
  const kind =
    key.slice(0, key.indexOf('.')) === 'metrics' ? 'metric' : 'param';
  const name = bare(key);
  const row = facts.rows.find(one => one.kind === kind && one.name === name);
  return (row?.values ?? facts.runs.map(() => null)).map(value => {
    if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') {
      return null;
    }
    return typeof value === 'boolean' ? String(value) : value;
  });
}

export function scatterFigure(
  facts: IComparison,
  x: string,
  y: string
): IFigure {
  return {
    data: [
      {
        type: 'scatter',
        mode: 'markers',
        x: plain(valuesOf(facts, x)),
        y: plain(valuesOf(facts, y)),
        text: facts.runs.map(run => escapeText(run.name)),
        hovertemplate: `%{text}<br>${escapeText(bare(x))} %{x}<br>${escapeText(bare(y))} %{y}<extra></extra>`,
        marker: {
          size: 9,
          color: facts.runs.map((_, index) => stroke(index).color)
        }
      }
    ],
    layout: {
      showlegend: false,
      xaxis: axis(bare(x), valuesOf(facts, x)),
      yaxis: axis(bare(y), valuesOf(facts, y)),
      margin: { l: 64, r: 12, t: 12, b: 48 },
      uirevision: `${x} ${y}`
    }
  };
}

export function barFigure(facts: IComparison, y: string): IFigure {
  return {
    data: [
      {
        type: 'bar',
        x: facts.runs.map((_, index) => index),
        y: plain(valuesOf(facts, y)),
        text: facts.runs.map(run => escapeText(run.name)),
        hovertemplate: '%{text}<br>%{y}<extra></extra>',
        textposition: 'none',
        marker: { color: facts.runs.map((_, index) => stroke(index).color) }
      }
    ],
    layout: {
      showlegend: false,
      xaxis: {
        tickmode: 'array',
        tickvals: facts.runs.map((_, index) => index),
        ticktext: labels(facts.runs)
      },
      yaxis: axis(bare(y), valuesOf(facts, y)),
      margin: { l: 64, r: 12, t: 12, b: 72 },
      uirevision: y
    }
  };
}

export function parallelFigure(
  facts: IComparison,
  axes: readonly string[]
): IFigure {
  const dimensions = axes.map(key => {
    const values = valuesOf(facts, key);
    const label = escapeText(shorten(bare(key), 24));
    const numbers = values.filter(value => typeof value === 'number');
    if (values.every(value => value === null || typeof value === 'number')) {
      // A gap has no place on an axis; it stands below the least.
      const least = numbers.length > 0 ? Math.min(...(numbers as number[])) : 0;
      return { label, values: values.map(value => value ?? least) };
    }
    const words = [
      ...new Set(values.map(value => String(value ?? '–')))
    ].sort();
    return {
      label,
      values: values.map(value => words.indexOf(String(value ?? '–'))),
      tickvals: words.map((_, index) => index),
      ticktext: words.map(word => escapeText(shorten(word, 18)))
    };
  });
  return {
    data: [
      {
        type: 'parcoords',
        dimensions,
        line: {
          color: facts.runs.map((_, index) => index),
          // Plotly wants a scale from 0 to 1, of at least two colours.
          colorscale: scale(facts.runs.length),
          cmin: 0,
          cmax: Math.max(1, facts.runs.length - 1)
        }
      }
    ],
    layout: {
      margin: { l: 80, r: 60, t: 48, b: 24 },
      uirevision: axes.join()
    }
  };
}

function scale(count: number): [number, string][] {
  const last = Math.max(1, count - 1);
  return Array.from({ length: last + 1 }, (_, index) => [
    index / last,
    stroke(index).color
  ]);
}

function axis(
  title: string,
  values: readonly (string | number | null)[]
): Record<string, unknown> {
  const words = values.some(value => typeof value === 'string');
  return {
    title: { text: escapeText(title), standoff: 8 },
    automargin: true,
    // Left to itself, Plotly takes "1e-3" and "2024-01" for numbers and dates.
    ...(words ? { type: 'category' } : {})
  };
}

/** Names of runs that say which is which also where two are called the same. */
export function labels(runs: readonly IRunItem[]): string[] {
  return runs.map(run => {
    const twin = runs.some(one => one !== run && one.name === run.name);
    const name = shorten(run.name, 16);
    return escapeText(twin ? `${name} ${run.uid.slice(-4)}` : name);
  });
}

function plain(
  values: readonly (string | number | null)[]
): (string | number | null)[] {
  return values.map(value =>
    typeof value === 'string' ? escapeText(value) : value
  );
}

function bare(key: string): string {
  return key.slice(key.indexOf('.') + 1);
}

function shorten(text: string, letters: number): string {
  const all = [...text];
  return all.length <= letters
    ? text
    : `${all.slice(0, letters - 1).join('')}…`;
}
