/** How code, environment and data of each run differ from those of the first. */

import * as React from 'react';
import { Diff } from '../../components/diff';
import { Nothing } from '../../components/state';
import { Table } from '../../components/table';
import { shortVersion } from '../../wording/version';
import type { IComparisonPartProps } from './index';

export function Differences(props: IComparisonPartProps): JSX.Element {
  const { facts, context } = props;
  const { trans } = context;
  const [first] = facts.runs;
  const nameOf = (uid: string): string =>
    facts.runs.find(run => run.uid === uid)?.name ?? uid.slice(0, 8);
  const code = facts.code.filter(one => !one.same);
  const environment = facts.environment.filter(one => one.changes.length > 0);
  const data = facts.rows.filter(row => row.kind === 'data' && row.differs);
  return (
    <div className="jp-labnb-part">
      <p className="jp-labnb-quiet">
        {trans.__('Each is held against the first, %1.', first?.name ?? '')}
      </p>
      <h2>{trans.__('Code')}</h2>
      {code.length === 0 && (
        <Nothing>{trans.__('The code is the same.')}</Nothing>
      )}
      {code.map(one => (
        <details key={one.run} open={code.length <= 3}>
          <summary dir="auto">{nameOf(one.run)}</summary>
          <Diff text={one.diff} label={nameOf(one.run)} trans={trans} />
          {one.cut && (
            <p className="jp-labnb-quiet">
              {trans.__('The difference is too long to be shown whole.')}
            </p>
          )}
        </details>
      ))}
      <h2>{trans.__('Environment')}</h2>
      {environment.length === 0 && (
        <Nothing>{trans.__('The environments are the same.')}</Nothing>
      )}
      {environment.map(one => (
        <details key={one.run} open={environment.length <= 3}>
          <summary dir="auto">{nameOf(one.run)}</summary>
          <Table
            label={nameOf(one.run)}
            columns={[trans.__('what'), trans.__('first'), trans.__('here')]}
            rows={one.changes.map(change => [
              change.name,
              change.before ?? '–',
              change.after ?? '–'
            ])}
          />
        </details>
      ))}
      <h2>{trans.__('Data')}</h2>
      {data.length === 0 ? (
        <Nothing>{trans.__('They read the same data.')}</Nothing>
      ) : (
        <Table
          label={trans.__('Data')}
          columns={['', ...facts.runs.map(run => run.name)]}
          rows={data.map(row => [
            row.name,
            ...row.values.map(value =>
              value === null ? '–' : shortVersion(String(value))
            )
          ])}
        />
      )}
    </div>
  );
}
