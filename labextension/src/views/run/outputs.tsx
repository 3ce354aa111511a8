/** The outputs of the cell, as Jupyter renders them. Untrusted at first: they may be anybody's. */

import type * as nbformat from '@jupyterlab/nbformat';
import { OutputArea, OutputAreaModel } from '@jupyterlab/outputarea';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import * as React from 'react';
import { Shown } from '../../components/shown';
import { Nothing } from '../../components/state';
import type { IPartProps } from './index';

export function Outputs(props: IPartProps): JSX.Element {
  const { model, context } = props;
  const { trans, rendermime } = context;
  const [trusted, setTrusted] = React.useState(false);
  return (
    <div className="jp-labnb-part">
      <Shown
        asked={model.output}
        trans={trans}
        draw={notebook => {
          const outputs = outputsOf(notebook);
          if (outputs.length === 0) {
            return <Nothing>{trans.__('The cell showed nothing.')}</Nothing>;
          }
          return (
            <>
              {!trusted && outputs.some(active) && (
                <p className="jp-labnb-quiet">
                  {trans.__('Scripts in these outputs are not run.')}{' '}
                  <button
                    type="button"
                    className="jp-labnb-button jp-labnb-small"
                    onClick={() => setTrusted(true)}
                  >
                    {trans.__('I trust them')}
                  </button>
                </p>
              )}
              <Area
                outputs={outputs}
                trusted={trusted}
                rendermime={rendermime}
              />
            </>
          );
        }}
      />
    </div>
  );
}

/** An output area of JupyterLab within React. */
function Area(props: {
  outputs: nbformat.IOutput[];
  trusted: boolean;
  rendermime: IRenderMimeRegistry;
}): JSX.Element {
  const place = React.useRef<HTMLDivElement>(null);
  const { outputs, trusted, rendermime } = props;
  const told = JSON.stringify(outputs);
  React.useLayoutEffect(() => {
    const area = new OutputArea({
      model: new OutputAreaModel({ values: outputs, trusted }),
      rendermime,
      contentFactory: OutputArea.defaultContentFactory
    });
    Widget.attach(area, place.current!);
    const observer = new ResizeObserver(() => {
      MessageLoop.postMessage(area, Widget.ResizeMessage.UnknownSize);
    });
    observer.observe(place.current!);
    return () => {
      observer.disconnect();
      area.model.dispose();
      area.dispose();
    };
    // The outputs are new objects with every answer; what they say decides.
  }, [told, trusted, rendermime]);
  return <div ref={place} className="jp-labnb-outputs" />;
}

/** All outputs of the notebook's cells, but for labnb's own card. */
export function outputsOf(notebook: unknown): nbformat.IOutput[] {
  const cells = (notebook as { cells?: unknown } | null)?.cells;
  if (!Array.isArray(cells)) {
    return [];
  }
  return cells
    .flatMap(cell => (cell as { outputs?: nbformat.IOutput[] }).outputs ?? [])
    .filter(output => !('application/vnd.labnb.run+json' in dataOf(output)));
}

/** Whether rendering it whole would run scripts. */
function active(output: nbformat.IOutput): boolean {
  const types = Object.keys(dataOf(output));
  return types.some(
    type =>
      type === 'text/html' ||
      type === 'application/javascript' ||
      type === 'image/svg+xml' ||
      type.startsWith('application/vnd.')
  );
}

function dataOf(output: nbformat.IOutput): Record<string, unknown> {
  return (output.data ?? {}) as Record<string, unknown>;
}
