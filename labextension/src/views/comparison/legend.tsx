/** Which colour is which run: one legend for all charts. */

import * as React from 'react';
import { stroke } from '../../charts/theme';
import { CommandIDs } from '../../commands';
import type { IComparisonPartProps } from './index';

export function Legend(props: IComparisonPartProps): JSX.Element {
  const { facts, context, model } = props;
  const { trans, commands } = context;
  return (
    <ul className="jp-labnb-legend" aria-label={trans.__('Runs')}>
      {facts.runs.map((run, index) => {
        const { color, dash } = stroke(index);
        return (
          <li key={run.uid}>
            <svg width={22} height={8} aria-hidden="true">
              <line
                x1={0}
                x2={22}
                y1={4}
                y2={4}
                stroke={color}
                strokeWidth={2}
                strokeDasharray={DASHES[dash]}
              />
            </svg>
            <button
              type="button"
              className="jp-labnb-link"
              title={run.uid}
              dir="auto"
              onClick={() =>
                void commands.execute(CommandIDs.openRun, {
                  uid: run.uid,
                  project: model.api.id
                })
              }
            >
              {run.name}
            </button>
          </li>
        );
      })}
    </ul>
  );
}

const DASHES: Record<string, string | undefined> = {
  dash: '7 4',
  dot: '2 3',
  dashdot: '7 3 2 3',
  longdash: '11 4',
  longdashdot: '11 3 2 3'
};
