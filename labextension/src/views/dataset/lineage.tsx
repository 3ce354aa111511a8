/** What a version came from, and what became of it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { ILineageGraph, ILineageNode } from '../../api/types';
import { NODE, place } from '../../charts/lineage';
import { CommandIDs } from '../../commands';
import { Shown } from '../../components/shown';
import { Nothing } from '../../components/state';
import { VersionChoice } from './choice';
import type { IDatasetPartProps } from './index';

export function Lineage(props: IDatasetPartProps): JSX.Element {
  const { model, context } = props;
  const { trans } = context;
  return (
    <div className="jp-labnb-part">
      {model.version && (
        <div className="jp-labnb-controls">
          <VersionChoice
            {...props}
            label={trans.__('Version')}
            value={model.version}
            onChange={version => (model.version = version)}
          />
        </div>
      )}
      <Shown
        asked={model.lineage}
        trans={trans}
        draw={graph =>
          graph.nodes.length <= 1 ? (
            <Nothing>
              {trans.__('No run is known that made or used this version.')}
            </Nothing>
          ) : (
            <Graph {...props} graph={graph} />
          )
        }
      />
    </div>
  );
}

function Graph(
  props: IDatasetPartProps & { graph: ILineageGraph }
): JSX.Element {
  const { graph, model, context } = props;
  const { trans, commands } = context;
  const lines = React.useMemo(() => place(graph), [graph]);
  const open = (node: ILineageNode): void => {
    const { run, dataset } = node.facts;
    const project = model.api.id;
    if (typeof run === 'string') {
      void commands.execute(CommandIDs.openRun, { uid: run, project });
    } else if (node.kind === 'run') {
      void commands.execute(CommandIDs.openRun, {
        uid: String(node.facts.uid ?? node.id),
        project
      });
    } else if (typeof dataset === 'string' && dataset !== model.id) {
      void commands.execute(CommandIDs.openDataset, { dataset, project });
    }
  };
  return (
    <div className="jp-labnb-lineage" tabIndex={0}>
      <svg
        width={lines.width + 4}
        height={lines.height + 4}
        role="group"
        aria-label={trans.__('Lineage')}
      >
        <g transform="translate(2 2)">
          {lines.edges.map((edge, index) => {
            const x1 = edge.from.x + NODE.width;
            const y1 = edge.from.y + NODE.height / 2;
            const y2 = edge.to.y + NODE.height / 2;
            const bend = NODE.across / 2;
            return (
              <path
                key={index}
                className="jp-labnb-edge"
                d={`M${x1} ${y1} C${x1 + bend} ${y1} ${edge.to.x - bend} ${y2} ${edge.to.x} ${y2}`}
              >
                <title>{edge.how}</title>
              </path>
            );
          })}
          {lines.nodes.map(({ node, x, y }) => (
            <g
              key={node.id}
              className="jp-labnb-node"
              data-kind={node.kind}
              data-target={node.id === graph.target}
              transform={`translate(${x} ${y})`}
              role="button"
              tabIndex={0}
              aria-label={`${kindName(node.kind, trans)} ${node.label}`}
              onClick={() => open(node)}
              onKeyDown={event => {
                if (event.key === 'Enter' || event.key === ' ') {
                  event.preventDefault();
                  open(node);
                }
              }}
            >
              <rect
                width={NODE.width}
                height={NODE.height}
                rx={node.kind === 'run' ? NODE.height / 2 : 3}
              />
              <text x={NODE.width / 2} y={NODE.height / 2 + 4}>
                {short(node)}
              </text>
              <title>{node.label}</title>
            </g>
          ))}
        </g>
      </svg>
      {graph.cut && (
        <p className="jp-labnb-quiet">
          {trans.__('There is more; only what is near is drawn.')}
        </p>
      )}
    </div>
  );
}

function kindName(kind: string, trans: TranslationBundle): string {
  switch (kind) {
    case 'run':
      return trans.__('run');
    case 'data':
      return trans.__('data');
    case 'model':
      return trans.__('model');
    case 'stage':
      return trans.__('stage');
    default:
      return kind;
  }
}

const LETTERS = 28;

/** A run by its name; of a path the end says more than its beginning. */
function short(node: ILineageNode): string {
  const letters = [...node.label];
  if (letters.length <= LETTERS) {
    return node.label;
  }
  return node.kind === 'run'
    ? `${letters.slice(0, LETTERS - 1).join('')}…`
    : `…${letters.slice(1 - LETTERS).join('')}`;
}
