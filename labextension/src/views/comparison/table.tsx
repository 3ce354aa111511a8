/** The facts of the runs side by side: at first only those that differ. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { IComparisonRow } from '../../api/types';
import { stroke } from '../../charts/theme';
import { CommandIDs } from '../../commands';
import { download } from '../../components/download';
import { showDuration } from '../../mime/elapsed';
import { showValue } from '../../mime/run';
import { statusName, statusSign } from '../../mime/status';
import { field } from '../../tables/write';
import { fullTime } from '../../wording/ago';
import { shortVersion } from '../../wording/version';
import type { IComparisonPartProps } from './index';

export function ComparisonTable(props: IComparisonPartProps): JSX.Element {
  const { facts, context, model } = props;
  const { trans, commands } = context;
  const [all, setAll] = React.useState(false);
  // The text of a cell is compared as code; the names stand above.
  const rows = facts.rows.filter(
    row =>
      (all || row.differs) &&
      !(row.kind === 'code' && row.name === 'cell') &&
      !(row.kind === 'attribute' && row.name === 'name')
  );
  return (
    <div className="jp-labnb-part">
      <div className="jp-labnb-controls">
        <label>
          <input
            type="checkbox"
            checked={all}
            onChange={event => setAll(event.currentTarget.checked)}
          />
          {trans.__('also what is the same')}
        </label>
        <button
          type="button"
          className="jp-labnb-button jp-labnb-small"
          onClick={() => save(props)}
        >
          {trans.__('Save as CSV')}
        </button>
      </div>
      <div className="jp-labnb-table-box" tabIndex={0}>
        <table
          className="jp-labnb-table jp-labnb-compare"
          aria-label={trans.__('Comparison')}
        >
          <thead>
            <tr>
              <th scope="col">{trans.__('fact')}</th>
              {facts.runs.map((run, index) => (
                <th key={run.uid} scope="col">
                  <span
                    className="jp-labnb-swatch"
                    style={{ background: stroke(index).color }}
                  />
                  <span
                    className="jp-labnb-sign"
                    data-status={run.status}
                    role="img"
                    aria-label={statusName(run.status, trans)}
                  >
                    {statusSign(run.status)}
                  </span>{' '}
                  <button
                    type="button"
                    className="jp-labnb-link"
                    dir="auto"
                    title={`${run.name}\n${run.uid}`}
                    onClick={() =>
                      void commands.execute(CommandIDs.openRun, {
                        uid: run.uid,
                        project: model.api.id
                      })
                    }
                  >
                    {run.name}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(row => (
              <Row key={`${row.kind} ${row.name}`} row={row} trans={trans} />
            ))}
          </tbody>
        </table>
      </div>
      {rows.length === 0 && (
        <p className="jp-labnb-quiet">
          {trans.__('These runs differ in nothing that was recorded.')}
        </p>
      )}
    </div>
  );
}

function Row(props: {
  row: IComparisonRow;
  trans: TranslationBundle;
}): JSX.Element {
  const { row, trans } = props;
  const best = row.kind === 'metric' ? extremes(row) : null;
  return (
    <tr className={row.differs ? '' : 'jp-labnb-same'}>
      <th scope="row">
        <span dir="auto">{row.name}</span>{' '}
        <span className="jp-labnb-quiet">{kindName(row.kind, trans)}</span>
      </th>
      {row.values.map((value, index) => {
        const text = value === null ? '–' : showValue(value);
        const shown = value === null ? text : say(row, value, text);
        const mark =
          best && row.differs && typeof value === 'number'
            ? value === best[0]
              ? trans.__('least')
              : value === best[1]
                ? trans.__('most')
                : ''
            : '';
        return (
          <td key={index} dir="auto" title={text} data-mark={mark || undefined}>
            {shown}
            {mark && <span className="jp-labnb-quiet"> {mark}</span>}
          </td>
        );
      })}
    </tr>
  );
}

/** Times, spans and digests as they are written elsewhere. */
function say(
  row: IComparisonRow,
  value: IComparisonRow['values'][number],
  text: string
): string {
  if (row.kind === 'data' || row.name === 'commit' || row.name === 'lock') {
    return shortVersion(text);
  }
  if (row.kind === 'attribute' && /^(started|ended)$/.test(row.name)) {
    return fullTime(text);
  }
  if (row.kind === 'attribute' && row.name === 'duration') {
    return typeof value === 'number' ? showDuration(value) : text;
  }
  return text;
}

function extremes(row: IComparisonRow): [number, number] | null {
  const numbers = row.values.filter(
    (value): value is number => typeof value === 'number'
  );
  return numbers.length > 2
    ? [Math.min(...numbers), Math.max(...numbers)]
    : null;
}

function kindName(
  kind: IComparisonRow['kind'],
  trans: TranslationBundle
): string {
  switch (kind) {
    case 'param':
      return trans.__('param');
    case 'metric':
      return trans.__('metric');
    case 'tag':
      return trans.__('tag');
    case 'data':
      return trans.__('data');
    case 'code':
      return trans.__('code');
    case 'environment':
      return trans.__('environment');
    case 'attribute':
      return '';
  }
}

function save(props: IComparisonPartProps): void {
  const { facts } = props;
  const lines = [
    ['kind', 'name', ...facts.runs.map(run => run.name)],
    ['', 'uid', ...facts.runs.map(run => run.uid)],
    ...facts.rows.map(row => [
      row.kind,
      row.name,
      ...row.values.map(value => (value === null ? '' : String(value)))
    ])
  ];
  const text = lines.map(line => line.map(field).join(',')).join('\r\n');
  const address = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  download('comparison.csv', address);
  window.setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
