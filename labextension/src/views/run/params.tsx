/** The params of a run, all of them, searchable. */

import * as React from 'react';
import { Nothing } from '../../components/state';
import { Table } from '../../components/table';
import { showValue } from '../../mime/run';
import type { IPartProps } from './index';

export function Params(props: IPartProps): JSX.Element {
  const { run, context } = props;
  const { trans } = context;
  const [search, setSearch] = React.useState('');
  const all = Object.entries(run.params);
  if (all.length === 0) {
    return (
      <Nothing>
        {trans.__(
          'No params: simple values assigned in the cell become params.'
        )}
      </Nothing>
    );
  }
  const wanted = search.toLowerCase();
  const rows = all
    .map(([name, value]) => [name, showValue(value)] as const)
    .filter(row => row.join(' ').toLowerCase().includes(wanted));
  return (
    <div className="jp-labnb-part">
      {all.length > 12 && (
        <input
          type="search"
          className="jp-labnb-search"
          aria-label={trans.__('Search params')}
          placeholder={trans.__('name or value')}
          value={search}
          onChange={event => setSearch(event.currentTarget.value)}
        />
      )}
      <Table
        label={trans.__('Params')}
        columns={[trans.__('name'), trans.__('value')]}
        rows={rows}
      />
    </div>
  );
}
