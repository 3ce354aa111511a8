/** A figure as Plotly takes it, as far as labnb makes one. */

export type Trace = Record<string, unknown>;
export type Layout = Record<string, unknown>;

export interface IFigure {
  data: Trace[];
  layout: Layout;
}

export type ImageFormat = 'png' | 'svg';

/** The part of Plotly that is used. */
export interface IPlotly {
  register(traces: unknown[]): void;
  react(
    node: HTMLElement,
    data: Trace[],
    layout: Layout,
    config?: Record<string, unknown>
  ): Promise<HTMLElement>;
  purge(node: HTMLElement): void;
  toImage(
    node: HTMLElement,
    options: {
      format: ImageFormat;
      width?: number;
      height?: number;
      scale?: number;
    }
  ): Promise<string>;
  Plots: { resize(node: HTMLElement): Promise<void> };
}
