/** What differs between two versions of a dataset. */

import * as React from 'react';
import type { IDatasetDiff } from '../../api/types';
import { Shown } from '../../components/shown';
import { Nothing } from '../../components/state';
import { Table } from '../../components/table';
import { showValue } from '../../mime/run';
import { showSize } from '../../wording/size';
import { VersionChoice } from './choice';
import type { IDatasetPartProps } from './index';

export function DiffPart(props: IDatasetPartProps): JSX.Element {
  const { model, context } = props;
  const { trans } = context;
  if (!model.before || !model.after) {
    return (
      <Nothing>
        {trans.__('There is only one version; nothing to hold it against.')}
      </Nothing>
    );
  }
  return (
    <div className="jp-labnb-part">
      <div className="jp-labnb-controls">
        <VersionChoice
          {...props}
          label={trans.__('From')}
          value={model.before}
          onChange={before => model.compare(before, model.after)}
        />
        <VersionChoice
          {...props}
          label={trans.__('to')}
          value={model.after}
          onChange={after => model.compare(model.before, after)}
        />
      </div>
      <Shown
        asked={model.diff}
        trans={trans}
        draw={diff => <Drawn {...props} diff={diff} />}
      />
    </div>
  );
}

function Drawn(props: IDatasetPartProps & { diff: IDatasetDiff }): JSX.Element {
  const { diff, context } = props;
  const { trans } = context;
  if (diff.same) {
    return <Nothing>{trans.__('The two versions hold the same.')}</Nothing>;
  }
  const { counts } = diff;
  const groups: [string, number, string[]][] = [
    [trans.__('added'), counts.added ?? 0, diff.added],
    [trans.__('removed'), counts.removed ?? 0, diff.removed],
    [trans.__('changed'), counts.changed ?? 0, diff.changed]
  ];
  return (
    <>
      <p>
        {groups
          .filter(([, count]) => count > 0)
          .map(([name, count]) => `${count.toLocaleString()} ${name}`)
          .join(' · ')}
        {diff.sizes[0] !== null && diff.sizes[1] !== null && (
          <span className="jp-labnb-quiet">
            {' '}
            {showSize(diff.sizes[0])} → {showSize(diff.sizes[1])}
          </span>
        )}
      </p>
      {diff.notes.map((note, index) => (
        <p key={index} className="jp-labnb-quiet">
          {note}
        </p>
      ))}
      {diff.tables.map((table, index) => (
        <TableDiff key={index} table={table} {...props} />
      ))}
      {groups
        .filter(([, , files]) => files.some(Boolean))
        .map(([name, , files]) => (
          <details key={name} open={files.length <= 20}>
            <summary>{`${name} (${files.length})`}</summary>
            <ul className="jp-labnb-files">
              {files.map(file => (
                <li key={file} dir="auto">
                  {file}
                </li>
              ))}
            </ul>
          </details>
        ))}
    </>
  );
}

/** How a table changed: rows, columns, and the facts of columns that differ. */
function TableDiff(
  props: IDatasetPartProps & { table: Record<string, unknown> }
): JSX.Element {
  const { table, context } = props;
  const { trans } = context;
  const list = (name: string): string[] =>
    Array.isArray(table[name]) ? (table[name] as unknown[]).map(String) : [];
  const pairs = (value: unknown): [string, unknown][] =>
    Object.entries((value ?? {}) as Record<string, unknown>);
  const [before, after] = list('rows');
  const rows: [string, string, string, string][] = [];
  if (before !== after) {
    rows.push([trans.__('rows'), '', before ?? '', after ?? '']);
  }
  list('added').forEach(name =>
    rows.push([name, trans.__('column'), '–', trans.__('new')])
  );
  list('removed').forEach(name =>
    rows.push([name, trans.__('column'), '', trans.__('gone')])
  );
  for (const [name, kinds] of pairs(table.retyped)) {
    const [one, other] = kinds as string[];
    rows.push([name, trans.__('type'), one ?? '', other ?? '']);
  }
  for (const [name, facts] of pairs(table.changed)) {
    for (const [fact, values] of pairs(facts)) {
      const [one, other] = values as unknown[];
      rows.push([name, fact, showValue(one ?? ''), showValue(other ?? '')]);
    }
  }
  return (
    <section>
      <h2 dir="auto">{String(table.path ?? '')}</h2>
      <Table
        label={String(table.path ?? '')}
        columns={[
          trans.__('column'),
          trans.__('fact'),
          trans.__('before'),
          trans.__('after')
        ]}
        rows={rows}
      />
    </section>
  );
}
