/** Where the code ran. */

import * as React from 'react';
import type { IEnvironmentDetail } from '../../api/types';
import { Shown } from '../../components/shown';
import { Nothing } from '../../components/state';
import { Facts, Table, type Fact } from '../../components/table';
import { showValue } from '../../mime/run';
import { Against } from './against';
import type { IPartProps } from './index';

export function EnvironmentPart(props: IPartProps): JSX.Element {
  const { model, context } = props;
  return (
    <div className="jp-labnb-part">
      <Against
        {...props}
        value={model.environment.value?.against ?? ''}
        commit={false}
        onChange={value => (model.environmentAgainst = value)}
      />
      <Shown
        asked={model.environment}
        trans={context.trans}
        draw={found => <Drawn {...props} found={found} />}
      />
    </div>
  );
}

function Drawn(props: IPartProps & { found: IEnvironmentDetail }): JSX.Element {
  const { found, context } = props;
  const { trans } = context;
  if (found.against) {
    return found.changes.length === 0 ? (
      <Nothing>{trans.__('The environments are the same.')}</Nothing>
    ) : (
      <Table
        label={trans.__('Difference')}
        columns={[trans.__('what'), trans.__('there'), trans.__('here')]}
        rows={found.changes.map(change => [
          change.name,
          change.before ?? '–',
          change.after ?? '–'
        ])}
      />
    );
  }
  if (!found.python && found.lock.length === 0) {
    return <Nothing>{trans.__('No environment was recorded.')}</Nothing>;
  }
  const pairs = (fields: Record<string, unknown>): Fact[] =>
    Object.entries(fields).map(([name, value]): Fact => [
      name,
      showValue(value)
    ]);
  return (
    <div className="jp-labnb-cards">
      <section>
        <h2>{trans.__('Machine')}</h2>
        <Facts
          facts={[
            [trans.__('Python'), found.python],
            [trans.__('Platform'), found.platform],
            ...pairs(found.hardware)
          ]}
        />
      </section>
      <section>
        <h2>{trans.__('Modules in use')}</h2>
        <Facts facts={pairs(found.loaded)} />
      </section>
      {Object.keys(found.variables).length > 0 && (
        <section>
          <h2>{trans.__('Variables')}</h2>
          <Facts facts={pairs(found.variables)} />
        </section>
      )}
      <section className="jp-labnb-card-wide">
        <details>
          <summary>
            {trans.__('All %1 distributions', found.lock.length)}
          </summary>
          <pre className="jp-labnb-code">{found.lock.join('\n')}</pre>
        </details>
      </section>
    </div>
  );
}
