/** The section "Datasets": what the Data Store holds, and how it lies in the work tree. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { IDatasetRow } from '../../api/datasets';
import { SearchBox } from '../../components/search_box';
import { Failed, Loading } from '../../components/state';
import { VirtualList } from '../../components/virtual_list';
import type { DatasetsModel } from '../../models/datasets';
import { ago, readTime } from '../../wording/ago';
import { showSize } from '../../wording/size';
import { shortVersion } from '../../wording/version';

export interface IDatasetsBodyProps {
  model: DatasetsModel;
  now: number;
  trans: TranslationBundle;
  onOpen(id: string): void;
}

const ROW_HEIGHT = 44;
/** Commands, the same in every language. */
const FIRST_LINES = 'dvc init\ndvc add data/train.csv';

export function DatasetsBody(props: IDatasetsBodyProps): JSX.Element {
  const { model, trans, now } = props;
  const { list } = model;
  const { state, query } = list;
  const onRange = React.useCallback(
    (first: number, last: number) => list.show(first, last),
    [list]
  );
  if (state.kind === 'ready' && list.count === 0 && !query.search) {
    return <First message={model.message} trans={trans} />;
  }
  return (
    <>
      <div className="jp-labnb-filters" role="search">
        <SearchBox
          value={query.search}
          label={trans.__('Search datasets')}
          placeholder={trans.__('name of a dataset')}
          onChange={search => model.set({ search })}
        />
      </div>
      {state.kind === 'failed' && (
        <Failed
          problem={state.problem}
          trans={trans}
          onRetry={() => void list.reload()}
        />
      )}
      {state.kind === 'loading' && list.count === 0 && (
        <Loading trans={trans} />
      )}
      {state.kind === 'ready' && list.count === 0 ? (
        <div className="jp-labnb-empty">{trans.__('No dataset fits.')}</div>
      ) : (
        <VirtualList
          label={trans.__('Datasets')}
          kind="dataset"
          rows={list}
          total={list.total}
          selection={model.selection}
          rowHeight={ROW_HEIGHT}
          row={index => (
            <DatasetRow dataset={list.at(index)!} now={now} trans={trans} />
          )}
          onRange={onRange}
          onOpen={index => {
            const dataset = list.at(index);
            if (dataset) {
              props.onOpen(dataset.id);
            }
          }}
        />
      )}
    </>
  );
}

function DatasetRow(props: {
  dataset: IDatasetRow;
  now: number;
  trans: TranslationBundle;
}): JSX.Element {
  const { dataset, now, trans } = props;
  const used = readTime(dataset.used);
  // A list looks into no files; the page of a dataset does.
  const state =
    dataset.state === 'unknown' ? '' : stateName(dataset.state, trans);
  const facts = [
    showSize(dataset.size),
    dataset.folder && dataset.files !== null
      ? trans.__('%1 files', dataset.files.toLocaleString())
      : '',
    dataset.runs === 1
      ? trans.__('1 run')
      : dataset.runs > 1
        ? trans.__('%1 runs', dataset.runs)
        : '',
    state
  ].filter(Boolean);
  return (
    <>
      <div className="jp-labnb-row-line">
        <span
          className="jp-labnb-row-name"
          dir="auto"
          title={`${dataset.name}\n${dataset.source}`}
        >
          {dataset.name}
        </span>
        <code className="jp-labnb-row-end" title={dataset.version ?? ''}>
          {shortVersion(dataset.version)}
        </code>
      </div>
      <div className="jp-labnb-row-line jp-labnb-row-second">
        <span className="jp-labnb-row-facts" title={facts.join(' · ')}>
          {facts.join(' · ')}
        </span>
        <span className="jp-labnb-row-end" title={trans.__('last used')}>
          {used === null ? '' : ago(used, now, trans)}
        </span>
      </div>
    </>
  );
}

/** How the data lie in the work tree; nothing where they are as they were recorded. */
export function stateName(state: string, trans: TranslationBundle): string {
  switch (state) {
    case 'unchanged':
      return '';
    case 'changed':
      return trans.__('changed here');
    case 'missing':
      return trans.__('not here');
    case 'not in cache':
      return trans.__('not in cache');
    case 'unknown':
      return trans.__('state unknown');
    default:
      return state;
  }
}

function First(props: {
  message: string;
  trans: TranslationBundle;
}): JSX.Element {
  const { message, trans } = props;
  return (
    <div className="jp-labnb-empty">
      <p className="jp-labnb-empty-title">{trans.__('No datasets yet')}</p>
      {message && <p>{message}</p>}
      <p>
        {trans.__(
          'Data that DVC tracks is listed here, with its versions and the runs that used it. Begin with:'
        )}
      </p>
      <pre>{FIRST_LINES}</pre>
    </div>
  );
}
