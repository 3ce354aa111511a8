/** A Plotly chart that fits its place and its theme; Plotly is fetched when the first one is drawn. */

import * as React from 'react';
import type { IFigure, IPlotly, Layout } from '../charts/figure';
import { themed } from '../charts/theme';

/** Where the reader has zoomed to; null is all of it. */
export type Span = readonly [number, number] | null;

export interface IChartProps {
  figure: IFigure;
  label: string;
  height?: number;
  /** The node of the chart once it is drawn, for export. */
  onDrawn?(node: HTMLElement): void;
  onZoom?(span: Span): void;
}

interface IPlotNode extends HTMLElement {
  on?(event: string, listener: (told: Record<string, unknown>) => void): void;
}

let plotly: Promise<IPlotly> | null = null;

/** Plotly, fetched once. */
export function loadPlotly(): Promise<IPlotly> {
  if (!plotly) {
    const asked = import('../charts/plotly').then(chunk => chunk.Plotly);
    // What did not arrive is asked for again by the next chart.
    asked.catch(() => (plotly = null));
    plotly = asked;
  }
  return plotly;
}

export function Chart(props: IChartProps): JSX.Element {
  const node = React.useRef<HTMLDivElement>(null);
  const latest = React.useRef(props);
  latest.current = props;
  const [theme, setTheme] = React.useState(0);
  const [failed, setFailed] = React.useState('');

  React.useEffect(() => {
    // JupyterLab tells a theme by an attribute of the body.
    const observer = new MutationObserver(() => setTheme(count => count + 1));
    observer.observe(document.body, {
      attributeFilter: ['data-jp-theme-name', 'data-jp-theme-light']
    });
    return () => observer.disconnect();
  }, []);

  React.useEffect(() => {
    let here = true;
    const place = node.current as IPlotNode;
    const draw = async (): Promise<void> => {
      const Plotly = await loadPlotly();
      if (!here) {
        return;
      }
      const layout = themed(props.figure.layout, place);
      const first = place.on === undefined;
      await Plotly.react(place, props.figure.data, layout, CONFIG);
      if (!here) {
        return;
      }
      if (first) {
        hearZoom(place, span => latest.current.onZoom?.(span));
      }
      latest.current.onDrawn?.(place);
    };
    draw().catch(error => here && setFailed(String(error)));
    return () => {
      here = false;
    };
  }, [props.figure, theme]);

  React.useEffect(() => {
    const place = node.current!;
    let asked = 0;
    const observer = new ResizeObserver(() => {
      window.cancelAnimationFrame(asked);
      asked = window.requestAnimationFrame(() => {
        if (place.offsetWidth > 0 && (place as IPlotNode).on) {
          void loadPlotly().then(Plotly => Plotly.Plots.resize(place));
        }
      });
    });
    observer.observe(place);
    return () => {
      observer.disconnect();
      window.cancelAnimationFrame(asked);
      void plotly?.then(Plotly => Plotly.purge(place));
    };
  }, []);

  return (
    <div
      role="img"
      aria-label={props.label}
      className="jp-labnb-chart"
      style={{ height: props.height ?? 260 }}
    >
      {failed && <div role="alert">{failed}</div>}
      <div ref={node} className="jp-labnb-chart-plot" />
    </div>
  );
}

/** Tell of a zoom as soon as the button is let go, while Plotly draws, and again where Plotly then means otherwise. */
export function hearZoom(
  place: Pick<IPlotNode, 'on'>,
  onZoom: (span: Span) => void
): void {
  let aimed: Span | undefined;
  const letGo = (): void => {
    if (aimed !== undefined) {
      onZoom(aimed);
    }
  };
  place.on?.('plotly_relayouting', told => {
    if (aimed === undefined) {
      // Plotly covers the page while the mouse is dragged, and keeps the end to itself.
      window.addEventListener('mouseup', letGo, { capture: true, once: true });
    }
    aimed = readSpan(told);
  });
  place.on?.('plotly_relayout', told => {
    window.removeEventListener('mouseup', letGo, { capture: true });
    const span = readSpan(told);
    if (span !== undefined && String(span) !== String(aimed)) {
      onZoom(span);
    }
    aimed = undefined;
  });
}

const CONFIG = { displaylogo: false, displayModeBar: 'hover' as const };

/** The span of the x axis in what Plotly tells of a zoom; undefined where it tells of something else. */
export function readSpan(told: Record<string, unknown>): Span | undefined {
  if (told['xaxis.autorange'] === true) {
    return null;
  }
  const range = told['xaxis.range'] as unknown[] | undefined;
  const from = told['xaxis.range[0]'] ?? range?.[0];
  const to = told['xaxis.range[1]'] ?? range?.[1];
  if (from === undefined || to === undefined) {
    return undefined;
  }
  const span = [readX(from), readX(to)] as const;
  return span.every(Number.isFinite) ? span : undefined;
}

/** Plotly tells dates as text. */
function readX(value: unknown): number {
  return typeof value === 'number'
    ? value
    : Date.parse(
        `${String(value).replace(' ', 'T')}${String(value).includes(':') ? 'Z' : ''}`
      );
}

export type { Layout };
