/** What one takes away from a figure: a picture, its numbers, the figure itself, and a cell that draws it. */

import { Clipboard } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { figureCsv } from '../tables/write';
import type { IFigure, ImageFormat } from '../charts/figure';
import { loadPlotly } from './chart';
import { download } from './download';

export interface IExportsProps {
  node: HTMLElement | null;
  figure: IFigure;
  name: string;
  cell(): string;
  trans: TranslationBundle;
}

export function Exports(props: IExportsProps): JSX.Element {
  const { node, figure, trans } = props;
  const [said, setSaid] = React.useState('');
  const name = props.name.replace(/[^\p{L}\p{N}._-]+/gu, '-');
  const image = async (format: ImageFormat): Promise<void> => {
    const Plotly = await loadPlotly();
    const address = await Plotly.toImage(node!, {
      format,
      width: node!.clientWidth,
      height: node!.clientHeight,
      scale: format === 'png' ? 2 : 1
    });
    download(`${name}.${format}`, address);
  };
  const text = (type: string, content: string): void => {
    const blob = new Blob([content], { type });
    const address = URL.createObjectURL(blob);
    download(`${name}.${type === 'text/csv' ? 'csv' : 'json'}`, address);
    window.setTimeout(() => URL.revokeObjectURL(address), 10_000);
  };
  const deeds: [string, string, () => void][] = [
    ['PNG', trans.__('Save as PNG'), () => void image('png')],
    ['SVG', trans.__('Save as SVG'), () => void image('svg')],
    [
      'CSV',
      trans.__('Save the numbers as CSV'),
      () => text('text/csv', figureCsv(figure))
    ],
    [
      'JSON',
      trans.__('Save the figure as Plotly JSON'),
      () => text('application/json', JSON.stringify(figure))
    ],
    [
      trans.__('Copy as cell'),
      trans.__('Copy Python that draws this figure'),
      () => {
        Clipboard.copyToSystem(props.cell());
        setSaid(trans.__('copied'));
        window.setTimeout(() => setSaid(''), 2_000);
      }
    ]
  ];
  return (
    <span
      className="jp-labnb-exports"
      role="group"
      aria-label={trans.__('Export')}
    >
      {deeds.map(([label, title, act]) => (
        <button
          key={label}
          type="button"
          className="jp-labnb-button jp-labnb-small"
          title={title}
          disabled={!node}
          onClick={act}
        >
          {label}
        </button>
      ))}
      <span role="status" className="jp-labnb-quiet">
        {said}
      </span>
    </span>
  );
}
