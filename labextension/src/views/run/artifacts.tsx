/** The files that a run kept: ten thousand of them, and a look into each. */

import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';
import { SearchBox } from '../../components/search_box';
import { Failed, Nothing } from '../../components/state';
import { VirtualList } from '../../components/virtual_list';
import { showSize } from '../../wording/size';
import type { IPartProps } from './index';
import { Look } from './look';

const ROW_HEIGHT = 28;

export function Artifacts(props: IPartProps): JSX.Element {
  const { model } = props;
  const list = model.artifacts;
  React.useEffect(() => {
    if (list.state.kind === 'unasked') {
      void list.reload();
    }
  }, [list]);
  return (
    <UseSignal signal={list.changed}>
      {() => (
        <UseSignal signal={model.chosen.changed}>
          {() => <Drawn {...props} />}
        </UseSignal>
      )}
    </UseSignal>
  );
}

function Drawn(props: IPartProps): JSX.Element {
  const { model, context } = props;
  const { trans } = context;
  const list = model.artifacts;
  const onRange = React.useCallback(
    (first: number, last: number) => list.show(first, last),
    [list]
  );
  if (list.state.kind === 'ready' && list.count === 0 && !list.query) {
    return (
      <Nothing>
        {trans.__('No artifacts. Keep one with labnb.artifact("figure.png").')}
      </Nothing>
    );
  }
  const chosen = list.find(model.chosen.ids[0] ?? '');
  return (
    <div className="jp-labnb-split">
      <div className="jp-labnb-split-list">
        <SearchBox
          value={list.query}
          label={trans.__('Search artifacts')}
          placeholder={trans.__('part of a path')}
          onChange={search => void list.ask(search)}
        />
        {list.state.kind === 'failed' && (
          <Failed
            problem={list.state.problem}
            trans={trans}
            onRetry={() => void list.reload()}
          />
        )}
        <VirtualList
          label={trans.__('Artifacts')}
          kind="artifact"
          rows={list}
          total={list.total}
          selection={model.chosen}
          rowHeight={ROW_HEIGHT}
          row={index => {
            const file = list.at(index)!;
            return (
              <div className="jp-labnb-row-line">
                <span
                  className="jp-labnb-row-name"
                  dir="auto"
                  title={file.path}
                >
                  {file.path}
                </span>
                <span className="jp-labnb-row-end">{showSize(file.size)}</span>
              </div>
            );
          }}
          onRange={onRange}
          onOpen={index => model.chosen.pick(index)}
        />
        <div className="jp-labnb-foot" role="status">
          {list.total === 1
            ? trans.__('1 file')
            : trans.__('%1 files', list.total.toLocaleString())}
        </div>
      </div>
      <div className="jp-labnb-split-look">
        {chosen ? (
          <Look key={chosen.id} file={chosen} {...props} />
        ) : (
          <Nothing>{trans.__('Choose a file to look into it.')}</Nothing>
        )}
      </div>
    </div>
  );
}
