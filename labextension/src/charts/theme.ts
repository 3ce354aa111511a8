/** A layout in the colours and the type of JupyterLab's theme. */

import type { Layout } from './figure';

/** Colours that are told apart also by the colour-blind (Okabe and Ito), then their lighter shades. */
export const COLORS = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#e69f00',
  '#56b4e9',
  '#b8a800',
  '#7f7f7f'
];

const DASHES = ['solid', 'dash', 'dot', 'dashdot', 'longdash', 'longdashdot'];

/** A colour and a dash for the nth run: together different for the first 48. */
export function stroke(index: number): { color: string; dash: string } {
  return {
    color: COLORS[index % COLORS.length]!,
    dash: DASHES[Math.floor(index / COLORS.length) % DASHES.length]!
  };
}

/** It has no `datarevision`: with one, Plotly would take new points for the old ones. */
export function themed(layout: Layout, node: HTMLElement): Layout {
  const style = window.getComputedStyle(node);
  const value = (name: string): string => style.getPropertyValue(name).trim();
  const text = value('--jp-ui-font-color1') || '#000';
  const line = value('--jp-border-color2') || '#ccc';
  const axis = {
    gridcolor: line,
    zerolinecolor: line,
    linecolor: line,
    // To see whether labels stand out, each would be measured at every drawing.
    ticklabeloverflow: 'allow'
  };
  const built: Layout = {
    autosize: true,
    margin: { l: 56, r: 12, t: 12, b: 40 },
    hovermode: 'closest',
    ...layout,
    paper_bgcolor: 'rgba(0,0,0,0)',
    plot_bgcolor: 'rgba(0,0,0,0)',
    font: { color: text, size: 11, family: value('--jp-ui-font-family') },
    modebar: { bgcolor: 'rgba(0,0,0,0)', color: line, activecolor: text },
    hoverlabel: {
      bgcolor: value('--jp-layout-color2'),
      font: { color: text }
    }
  };
  for (const name of Object.keys(layout).filter(one =>
    /^[xy]axis\d*$/.test(one)
  )) {
    built[name] = { ...axis, ...(layout[name] as object) };
  }
  return built;
}
