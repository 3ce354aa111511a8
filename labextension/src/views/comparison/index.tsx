/** The page of a comparison. */

import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { IComparison } from '../../api/types';
import { curvesCell } from '../../charts/cell';
import { loadPlotly } from '../../components/chart';
import { Curves } from '../../components/curves';
import { Boundary } from '../../components/boundary';
import { Failed, Loading } from '../../components/state';
import { Tabs, type ITab } from '../../components/tabs';
import type { ComparisonModel } from '../../models/comparison';
import type { IViewContext } from '../context';
import { ComparisonTable } from './table';
import { Differences } from './differences';
import { FactCharts } from './charts';
import { Legend } from './legend';
import { Pictures } from './pictures';

export class ComparisonView extends ReactWidget {
  constructor(model: ComparisonModel, context: IViewContext) {
    super();
    this.model = model;
    this._context = context;
    this.addClass('jp-labnb-view');
    this.title.label = context.trans.__('Compare %1', model.uids.length);
    this.title.caption = context.trans.__(
      '%1 runs side by side',
      model.uids.length
    );
    // While the table is asked for and read, what draws the curves is on its way.
    void loadPlotly();
  }

  readonly model: ComparisonModel;

  override dispose(): void {
    this.model.dispose();
    super.dispose();
  }

  protected render(): JSX.Element {
    const { model } = this;
    return (
      <UseSignal signal={model.facts.changed}>
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
    );
  }

  private readonly _context: IViewContext;
}

export interface IComparisonPartProps {
  model: ComparisonModel;
  facts: IComparison;
  context: IViewContext;
}

function Page(props: {
  model: ComparisonModel;
  context: IViewContext;
}): JSX.Element {
  const { model, context } = props;
  const { trans } = context;
  const [tab, setTab] = React.useState('table');
  const { value: facts, problem } = model.facts;
  const names = React.useMemo(() => namesOf(facts), [facts]);
  const failed = problem && (
    <Failed
      problem={problem}
      trans={trans}
      onRetry={() => void model.facts.refresh()}
    />
  );
  if (!facts) {
    return failed || <Loading trans={trans} />;
  }
  const part = { model, facts, context };
  const tabs: ITab[] = [
    {
      id: 'table',
      label: trans.__('What differs'),
      draw: () => <ComparisonTable {...part} />
    },
    {
      id: 'curves',
      label: trans.__('Curves'),
      draw: () => (
        <>
          <Legend {...part} />
          <Curves
            model={model.curves}
            known={facts.metrics}
            names={names}
            title={trans.__('comparison')}
            trans={trans}
            cell={metric =>
              curvesCell(
                facts.runs.map(run => run.uid),
                metric,
                model.curves.options
              )
            }
          />
        </>
      )
    },
    {
      id: 'charts',
      label: trans.__('Charts'),
      draw: () => (
        <>
          <Legend {...part} />
          <FactCharts {...part} />
        </>
      )
    },
    {
      id: 'code',
      label: trans.__('Code, environment, data'),
      draw: () => <Differences {...part} />
    },
    {
      id: 'pictures',
      label: trans.__('Images'),
      count: facts.pictures.length,
      draw: () => <Pictures {...part} />
    }
  ];
  return (
    <>
      {failed}
      {facts.missing.length > 0 && (
        <div className="jp-labnb-failed" role="status">
          {trans.__(
            'Not there any more: %1',
            facts.missing.map(uid => uid.slice(0, 8)).join(', ')
          )}
        </div>
      )}
      <Tabs
        label={trans.__('Comparison')}
        tabs={tabs}
        chosen={tab}
        onChoose={setTab}
      />
    </>
  );
}

function namesOf(facts: IComparison | null): {
  name(uid: string): string;
  place(uid: string): number;
} {
  const runs = new Map(
    (facts?.runs ?? []).map((run, index) => [run.uid, { run, index }])
  );
  return {
    name: uid => runs.get(uid)?.run.name ?? uid.slice(0, 8),
    place: uid => runs.get(uid)?.index ?? 0
  };
}
