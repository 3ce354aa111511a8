/** The page of a dataset. */

import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { IDatasetItem } from '../../api/types';
import { Boundary } from '../../components/boundary';
import { Failed, Loading } from '../../components/state';
import { Tabs, type ITab } from '../../components/tabs';
import type { DatasetModel } from '../../models/dataset';
import { stateName } from '../../panels/datasets/body';
import { showSize } from '../../wording/size';
import { shortVersion } from '../../wording/version';
import type { IViewContext } from '../context';
import { DiffPart } from './diff';
import { Lineage } from './lineage';
import { PreviewPart } from './preview';
import { Versions } from './versions';

export class DatasetView extends ReactWidget {
  constructor(model: DatasetModel, context: IViewContext) {
    super();
    this.model = model;
    this._context = context;
    this.addClass('jp-labnb-view');
    model.detail.changed.connect(this._name, this);
  }

  readonly model: DatasetModel;

  override dispose(): void {
    this.model.dispose();
    super.dispose();
  }

  protected render(): JSX.Element {
    const { model } = this;
    return (
      <UseSignal signal={model.detail.changed}>
        {() => (
          <UseSignal signal={model.versions.changed}>
            {() => (
              <UseSignal signal={model.changed}>
                {() => (
                  <Boundary trans={this._context.trans}>
                    <Page model={model} context={this._context} />
                  </Boundary>
                )}
              </UseSignal>
            )}
          </UseSignal>
        )}
      </UseSignal>
    );
  }

  private _name(): void {
    const dataset = this.model.detail.value;
    if (dataset) {
      const { name } = dataset;
      this.title.label = name.split('/').pop() || name;
      this.title.caption = this._context.trans.__('Dataset %1', name);
    }
  }

  private readonly _context: IViewContext;
}

export interface IDatasetPartProps {
  model: DatasetModel;
  dataset: IDatasetItem;
  context: IViewContext;
}

function Page(props: {
  model: DatasetModel;
  context: IViewContext;
}): JSX.Element {
  const { model, context } = props;
  const { trans } = context;
  const [tab, setTab] = React.useState('versions');
  const { value: dataset, problem } = model.detail;
  const failed = problem && (
    <Failed
      problem={problem}
      trans={trans}
      onRetry={() => void model.detail.refresh()}
    />
  );
  if (!dataset) {
    return failed || <Loading trans={trans} />;
  }
  const part = { model, dataset, context };
  const tabs: ITab[] = [
    {
      id: 'versions',
      label: trans.__('Versions'),
      count: model.versions.value?.length,
      draw: () => <Versions {...part} onTab={setTab} />
    },
    {
      id: 'preview',
      label: trans.__('Preview'),
      draw: () => <PreviewPart {...part} />
    },
    {
      id: 'diff',
      label: trans.__('Difference'),
      draw: () => <DiffPart {...part} />
    },
    {
      id: 'lineage',
      label: trans.__('Lineage'),
      draw: () => <Lineage {...part} />
    }
  ];
  const facts = [
    showSize(dataset.size),
    dataset.folder && dataset.files !== null
      ? trans.__('%1 files', dataset.files.toLocaleString())
      : '',
    dataset.version ? shortVersion(dataset.version) : '',
    stateName(dataset.state, trans),
    dataset.source
  ].filter(Boolean);
  return (
    <>
      <header className="jp-labnb-head">
        <div className="jp-labnb-head-line">
          <h1 dir="auto">{dataset.name}</h1>
        </div>
        <div className="jp-labnb-quiet">{facts.join(' · ')}</div>
      </header>
      {failed}
      <Tabs
        label={trans.__('Dataset %1', dataset.name)}
        tabs={tabs}
        chosen={tab}
        onChoose={setTab}
      />
    </>
  );
}
