/** Cells that draw a figure again. Names come in as text, as Python and JSON both write it. */

import type { ICurvesOptions } from '../models/curves';

const HEAD = 'import labnb\nimport plotly.graph_objects as go\n';

export function curvesCell(
  uids: readonly string[],
  metric: string,
  options: ICurvesOptions
): string {
  const x = {
    step: 'points["step"]',
    time: 'points["time"]',
    relative: '(points["time"] - points["time"].min()).dt.total_seconds()'
  }[options.x];
  const smooth =
    options.smoothing > 0
      ? `.ewm(alpha=${Number((1 - options.smoothing).toFixed(2))}).mean()`
      : '';
  return [
    HEAD,
    'figure = go.Figure()',
    `for uid in ${list(uids)}:`,
    '    run = labnb.run(uid)',
    '    points = run.to_pandas()',
    `    points = points[points["metric"] == ${text(metric)}]`,
    `    figure.add_scatter(x=${x}, y=points["value"]${smooth}, name=run.name, mode="lines")`,
    `figure.update_layout(xaxis_title=${text(options.x)}, yaxis_title=${text(metric)})`,
    ...(options.logX && options.x !== 'time'
      ? ['figure.update_xaxes(type="log")']
      : []),
    ...(options.logY ? ['figure.update_yaxes(type="log")'] : []),
    'figure'
  ].join('\n');
}

export function scatterCell(
  uids: readonly string[],
  x: string,
  y: string
): string {
  return [
    HEAD,
    `runs = [labnb.run(uid) for uid in ${list(uids)}]`,
    'figure = go.Figure(go.Scatter(',
    `    x=[${get(x)} for run in runs],`,
    `    y=[${get(y)} for run in runs],`,
    '    text=[run.name for run in runs],',
    '    mode="markers",',
    '))',
    `figure.update_layout(xaxis_title=${text(bare(x))}, yaxis_title=${text(bare(y))})`,
    'figure'
  ].join('\n');
}

export function barCell(uids: readonly string[], y: string): string {
  return [
    HEAD,
    `runs = [labnb.run(uid) for uid in ${list(uids)}]`,
    'figure = go.Figure(go.Bar(',
    '    x=[f"{run.name} {run.uid[:8]}" for run in runs],',
    `    y=[${get(y)} for run in runs],`,
    '))',
    `figure.update_layout(yaxis_title=${text(bare(y))})`,
    'figure'
  ].join('\n');
}

export function parallelCell(
  uids: readonly string[],
  axes: readonly string[]
): string {
  return [
    HEAD,
    'import pandas as pd\n',
    `runs = [labnb.run(uid) for uid in ${list(uids)}]`,
    'table = pd.DataFrame({',
    ...axes.map(
      axis => `    ${text(bare(axis))}: [${get(axis)} for run in runs],`
    ),
    '})',
    'dimensions = []',
    'for name in table:',
    '    column = table[name]',
    '    if pd.api.types.is_numeric_dtype(column):',
    '        dimensions.append({"label": name, "values": column})',
    '    else:',
    '        codes, words = pd.factorize(column.astype(str))',
    '        dimensions.append({"label": name, "values": codes, "tickvals": list(range(len(words))), "ticktext": list(words)})',
    'figure = go.Figure(go.Parcoords(dimensions=dimensions))',
    'figure'
  ].join('\n');
}

/** A text as Python writes it. */
export function text(value: string): string {
  return JSON.stringify(value);
}

function list(values: readonly string[]): string {
  return `[${values.map(text).join(', ')}]`;
}

function get(key: string): string {
  const kind = key.slice(0, key.indexOf('.'));
  return `run.${kind === 'metrics' ? 'metrics' : 'params'}.get(${text(bare(key))})`;
}

function bare(key: string): string {
  return key.slice(key.indexOf('.') + 1);
}
