/** The page of a run. */

import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { IRunDetail } from '../../api/types';
import { Boundary } from '../../components/boundary';
import { Failed, Loading } from '../../components/state';
import { Tabs, type ITab } from '../../components/tabs';
import type { RunModel } from '../../models/run';
import { Log } from '../../components/log';
import type { IViewContext } from '../context';
import { Artifacts } from './artifacts';
import { CodePart } from './code';
import { Files } from './data';
import { EnvironmentPart } from './environment';
import { Head } from './head';
import { RunCurves } from './metrics';
import { Outputs } from './outputs';
import { Overview } from './overview';
import { Params } from './params';

export class RunView extends ReactWidget {
  constructor(model: RunModel, context: IViewContext) {
    super();
    this.model = model;
    this._context = context;
    this.addClass('jp-labnb-view');
    model.detail.changed.connect(this._name, this);
  }

  readonly model: RunModel;

  override dispose(): void {
    this.model.dispose();
    super.dispose();
  }

  protected render(): JSX.Element {
    const { detail } = this.model;
    return (
      <UseSignal signal={detail.changed}>
        {() => (
          <Boundary trans={this._context.trans}>
            <Page model={this.model} context={this._context} />
          </Boundary>
        )}
      </UseSignal>
    );
  }

  private _name(): void {
    const run = this.model.detail.value;
    if (run) {
      this.title.label = run.name;
      this.title.caption = this._context.trans.__('Run %1', run.name);
    }
  }

  private readonly _context: IViewContext;
}

export interface IPartProps {
  model: RunModel;
  run: IRunDetail;
  context: IViewContext;
}

function Page(props: { model: RunModel; context: IViewContext }): JSX.Element {
  const { model, context } = props;
  const { trans } = context;
  const [tab, setTab] = React.useState('overview');
  const run = model.detail.value;
  const { problem } = model.detail;
  if (!run) {
    return problem ? <Gone {...props} /> : <Loading trans={trans} />;
  }
  const part = { model, run, context };
  const tabs: ITab[] = [
    {
      id: 'overview',
      label: trans.__('Overview'),
      draw: () => <Overview {...part} onTab={setTab} />
    },
    {
      id: 'metrics',
      label: trans.__('Metrics'),
      count: Object.keys(run.metrics).length,
      draw: () => <RunCurves {...part} />
    },
    {
      id: 'params',
      label: trans.__('Params'),
      count: Object.keys(run.params).length,
      draw: () => <Params {...part} />
    },
    {
      id: 'data',
      label: trans.__('Data'),
      count: run.inputs.length + run.outputs.length,
      draw: () => <Files {...part} />
    },
    {
      id: 'code',
      label: trans.__('Code'),
      draw: () => <CodePart {...part} />
    },
    {
      id: 'environment',
      label: trans.__('Environment'),
      draw: () => <EnvironmentPart {...part} />
    },
    {
      id: 'log',
      label: trans.__('Log'),
      draw: () => <Log model={model.log} trans={trans} />
    },
    {
      id: 'output',
      label: trans.__('Outputs'),
      draw: () => <Outputs {...part} />
    },
    {
      id: 'artifacts',
      label: trans.__('Artifacts'),
      count: run.parts.artifacts,
      draw: () => <Artifacts {...part} />
    }
  ];
  return (
    <>
      <Head {...part} />
      {problem && <Gone {...props} />}
      <Tabs
        label={trans.__('Run %1', run.name)}
        tabs={tabs}
        chosen={tab}
        onChoose={setTab}
      />
    </>
  );
}

/** A run that was removed while it is open stays readable as far as it is known here. */
function Gone(props: { model: RunModel; context: IViewContext }): JSX.Element {
  const { model, context } = props;
  const { trans } = context;
  const { problem, value } = model.detail;
  if (problem?.gone && value) {
    return (
      <div className="jp-labnb-failed" role="alert">
        <div>
          {trans.__('This run was deleted. Below is what was last known.')}
        </div>
        <button
          type="button"
          className="jp-labnb-button"
          onClick={() =>
            void model.api.runs.restore(model.uid).finally(() => model.renew())
          }
        >
          {trans.__('Bring it back')}
        </button>
      </div>
    );
  }
  return (
    <Failed
      problem={problem!}
      trans={trans}
      onRetry={() => void model.detail.refresh()}
    />
  );
}
