import type { IComparison, IRunItem } from '../../api/types';
import { hearZoom, readSpan } from '../../components/chart';
import { curvesCell, parallelCell, scatterCell } from '../cell';
import { curvesFigure, fromX, smooth, toX } from '../curves';
import { barFigure, parallelFigure, scatterFigure } from '../facts';
import { place } from '../lineage';
import { stroke, themed } from '../theme';

const EVIL = '<b onclick="x">a</b>';

const facts = {
  runs: [
    { uid: 'u1', name: EVIL },
    { uid: 'u2', name: EVIL }
  ] as IRunItem[],
  rows: [
    { kind: 'param', name: 'model', values: ['a', 'b'], differs: true },
    { kind: 'param', name: 'lr', values: ['1e-3', '2'], differs: true },
    { kind: 'metric', name: 'loss', values: [1, 'NaN'], differs: true }
  ]
} as unknown as IComparison;

describe('figures', () => {
  it('smooths without a bias, and keeps gaps', () => {
    expect(smooth([2, 2, null, 2], 0.9)).toEqual([2, 2, null, 2]);
    const [, second] = smooth([0, 1], 0.5);
    expect(second).toBeCloseTo(2 / 3);
  });

  it('goes to the axis and back', () => {
    const time = 1_767_323_045.5;
    expect(fromX(toX(time, 'time'), 'time', false)).toBeCloseTo(time, 3);
    expect(fromX(2, 'step', true)).toBe(100);
    expect(fromX(7, 'relative', false)).toBe(7);
  });

  it('writes the time since the start in seconds, not in thousands of them', () => {
    const names = { name: () => 'a', place: () => 0 };
    const axis = (x: 'relative' | 'step', logX = false): unknown =>
      curvesFigure([], { x, logX, logY: false, smoothing: 0 }, names, 'loss')
        .layout.xaxis;
    const seconds = { exponentformat: 'none', ticksuffix: ' s' };
    expect(axis('relative')).toMatchObject(seconds);
    expect(axis('relative', true)).toMatchObject(seconds);
    expect(axis('step')).not.toHaveProperty('ticksuffix');
  });

  it('leaves it to Plotly to see which points are new', () => {
    const layout = themed({ xaxis: {} }, document.createElement('div'));
    expect(layout).not.toHaveProperty('datarevision');
  });

  it('makes no elements of names', () => {
    const names = { name: () => EVIL, place: () => 0 };
    const curve = {
      run: 'u1',
      name: 'loss',
      x: [0],
      y: [1],
      total: 1,
      whole: true
    };
    const options = {
      x: 'step',
      logX: false,
      logY: false,
      smoothing: 0
    } as const;
    const all = [
      curvesFigure([curve], options, names, EVIL),
      scatterFigure(facts, 'params.model', 'metrics.loss'),
      barFigure(facts, 'metrics.loss'),
      parallelFigure(facts, ['params.model', 'metrics.loss'])
    ];
    expect(JSON.stringify(all)).not.toContain('<b ');
    expect(JSON.stringify(all)).toContain('&lt;b ');
  });

  it('draws words as words and numbers that are none as gaps', () => {
    const figure = scatterFigure(facts, 'params.lr', 'metrics.loss');
    expect(figure.layout.xaxis).toMatchObject({ type: 'category' });
    expect(figure.data[0]!.y).toEqual([1, null]);
    const [trace] = parallelFigure(facts, ['params.model', 'params.lr']).data;
    expect(trace!.dimensions).toMatchObject([
      { label: 'model', values: [0, 1], ticktext: ['a', 'b'] },
      { label: 'lr' }
    ]);
  });

  it('tells 48 runs apart', () => {
    const strokes = Array.from({ length: 48 }, (_, index) =>
      JSON.stringify(stroke(index))
    );
    expect(new Set(strokes).size).toBe(48);
  });

  it('writes names into Python as text', () => {
    const name = 'a"b\\\n';
    expect(scatterCell([name], `params.${name}`, 'metrics.x')).toContain(
      'run.params.get("a\\"b\\\\\\n")'
    );
    const options = {
      x: 'relative',
      logX: false,
      logY: true,
      smoothing: 0.9
    } as const;
    const cell = curvesCell(['u1'], 'loss', options);
    expect(cell).toContain('ewm(alpha=0.1)');
    expect(cell).toContain('update_yaxes(type="log")');
    expect(parallelCell(['u1'], ['params.lr'])).toContain('go.Parcoords');
  });
});

describe('readSpan', () => {
  it('knows a zoom from what else Plotly tells', () => {
    expect(readSpan({ 'xaxis.range[0]': 1, 'xaxis.range[1]': 2 })).toEqual([
      1, 2
    ]);
    expect(readSpan({ 'xaxis.range': [3, 4] })).toEqual([3, 4]);
    expect(readSpan({ 'xaxis.autorange': true })).toBeNull();
    expect(readSpan({ 'yaxis.range[0]': 1 })).toBeUndefined();
    const [from] = readSpan({
      'xaxis.range[0]': '2026-01-02 03:04:05',
      'xaxis.range[1]': '2026-01-02 03:04:06.5'
    })!;
    expect(from).toBe(Date.UTC(2026, 0, 2, 3, 4, 5));
  });
});

describe('lineage', () => {
  const node = (id: string) => ({ id, kind: 'run', label: id, facts: {} });

  it('stands what came first on the left', () => {
    const lines = place({
      target: 'c',
      nodes: ['c', 'a', 'b'].map(node),
      edges: [
        { source: 'a', target: 'b', how: 'wrote' },
        { source: 'b', target: 'c', how: 'read' },
        { source: 'a', target: 'c', how: 'read' }
      ],
      cut: false
    });
    const x = Object.fromEntries(lines.nodes.map(one => [one.node.id, one.x]));
    expect(x.a! < x.b! && x.b! < x.c!).toBe(true);
    expect(lines.edges.length).toBe(3);
  });

  it('survives a circle and an edge to nowhere', () => {
    const lines = place({
      target: 'a',
      nodes: ['a', 'b'].map(node),
      edges: [
        { source: 'a', target: 'b', how: '' },
        { source: 'b', target: 'a', how: '' },
        { source: 'x', target: 'a', how: '' }
      ],
      cut: false
    });
    expect(lines.nodes.length).toBe(2);
  });
});

describe('hearZoom', () => {
  const told = (from: number, to: number): Record<string, unknown> => ({
    'xaxis.range[0]': from,
    'xaxis.range[1]': to
  });
  const listeners = new Map<string, (told: Record<string, unknown>) => void>();
  const plotly = (event: string, data: Record<string, unknown>): void =>
    listeners.get(event)!(data);
  const heard = jest.fn();

  beforeEach(() => {
    heard.mockClear();
    hearZoom(
      { on: (event, listener) => void listeners.set(event, listener) },
      heard
    );
  });

  it('tells once, when the button is let go', () => {
    plotly('plotly_relayouting', told(1, 2));
    plotly('plotly_relayouting', told(1, 3));
    expect(heard).not.toHaveBeenCalled();
    window.dispatchEvent(new MouseEvent('mouseup'));
    expect(heard.mock.calls).toEqual([[[1, 3]]]);
    plotly('plotly_relayout', told(1, 3));
    window.dispatchEvent(new MouseEvent('mouseup'));
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it('tells what Plotly means in the end', () => {
    plotly('plotly_relayouting', told(1, 3));
    window.dispatchEvent(new MouseEvent('mouseup'));
    plotly('plotly_relayout', told(1, 4));
    plotly('plotly_relayout', { 'xaxis.autorange': true });
    expect(heard.mock.calls).toEqual([[[1, 3]], [[1, 4]], [null]]);
  });
});
