/** The page of a job. */

import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { IJobItem } from '../../api/types';
import { CommandIDs } from '../../commands';
import { Log } from '../../components/log';
import { Boundary } from '../../components/boundary';
import { Failed, Loading } from '../../components/state';
import { Facts, Table, type Fact } from '../../components/table';
import { showDuration } from '../../mime/elapsed';
import { jobColour, jobEnded, jobName, jobSign } from '../../mime/job_state';
import type { JobModel } from '../../models/job';
import { fullTime } from '../../wording/ago';
import { showResource } from '../../wording/resource';
import type { IViewContext } from '../context';

export class JobView extends ReactWidget {
  constructor(model: JobModel, context: IViewContext) {
    super();
    this.model = model;
    this._context = context;
    this.addClass('jp-labnb-view');
    model.detail.changed.connect(this._name, this);
  }

  readonly model: JobModel;

  override dispose(): void {
    this.model.dispose();
    super.dispose();
  }

  protected render(): JSX.Element {
    return (
      <UseSignal signal={this.model.detail.changed}>
        {() => (
          <Boundary trans={this._context.trans}>
            <Page model={this.model} context={this._context} />
          </Boundary>
        )}
      </UseSignal>
    );
  }

  private _name(): void {
    const job = this.model.detail.value;
    if (job) {
      this.title.label = job.name;
      this.title.caption = this._context.trans.__('Job %1', job.name);
    }
  }

  private readonly _context: IViewContext;
}

interface IPageProps {
  model: JobModel;
  context: IViewContext;
}

function Page(props: IPageProps): JSX.Element {
  const { model, context } = props;
  const { trans } = context;
  const { value: job, problem } = model.detail;
  const failed = problem && (
    <Failed
      problem={problem}
      trans={trans}
      onRetry={() => void model.detail.refresh()}
    />
  );
  if (!job) {
    return failed || <Loading trans={trans} />;
  }
  return (
    <>
      <Head {...props} job={job} />
      {failed}
      <div className="jp-labnb-tabpanel">
        <div className="jp-labnb-cards">
          <section>
            <h2>{trans.__('Resources')}</h2>
            <Resources job={job} context={context} />
          </section>
          <section>
            <h2>{trans.__('About')}</h2>
            <Facts facts={about(job, model.api.id, context)} />
          </section>
        </div>
        <section className="jp-labnb-part">
          <h2>{trans.__('Log')}</h2>
          <Log model={model.log} trans={trans} />
        </section>
      </div>
    </>
  );
}

function Head(props: IPageProps & { job: IJobItem }): JSX.Element {
  const { job, model, context } = props;
  const { trans, commands } = context;
  const args = { job: job.id, project: model.api.id };
  const state = jobName(job.state, trans);
  return (
    <header className="jp-labnb-head">
      <div className="jp-labnb-head-line">
        <span
          className="jp-labnb-sign"
          data-status={jobColour(job.state)}
          aria-hidden="true"
        >
          {jobSign(job.state)}
        </span>
        <h1 dir="auto">{job.name}</h1>
        <span className="jp-labnb-tag">{job.target}</span>
      </div>
      <div role="status">{job.cause ? `${state}: ${job.cause}` : state}</div>
      <div
        className="jp-labnb-deeds"
        role="toolbar"
        aria-label={trans.__('What to do with this job')}
      >
        <button
          type="button"
          className="jp-labnb-button jp-labnb-small"
          disabled={jobEnded(job.state)}
          onClick={() => void commands.execute(CommandIDs.cancelJob, args)}
        >
          {trans.__('Cancel')}
        </button>
        <button
          type="button"
          className="jp-labnb-button jp-labnb-small"
          disabled={!jobEnded(job.state)}
          onClick={() => void commands.execute(CommandIDs.retryJob, args)}
        >
          {trans.__('Retry')}
        </button>
        <button
          type="button"
          className="jp-labnb-button jp-labnb-small"
          onClick={() =>
            void commands.execute(CommandIDs.openRun, {
              uid: job.run,
              project: model.api.id
            })
          }
        >
          {trans.__('Open its run')}
        </button>
      </div>
    </header>
  );
}

/** What was asked for beside what was used. */
function Resources(props: {
  job: IJobItem;
  context: IViewContext;
}): JSX.Element {
  const { job, context } = props;
  const { trans } = context;
  const names = [
    ...new Set([...Object.keys(job.resources), ...Object.keys(job.used)])
  ];
  if (names.length === 0) {
    return (
      <p className="jp-labnb-quiet">
        {trans.__('It asked for nothing in particular.')}
      </p>
    );
  }
  return (
    <Table
      label={trans.__('Resources')}
      columns={[trans.__('what'), trans.__('asked'), trans.__('used')]}
      rows={names.map(name => [
        name,
        showResource(name, job.resources[name]),
        showResource(name, job.used[name])
      ])}
    />
  );
}

function about(job: IJobItem, project: string, context: IViewContext): Fact[] {
  const { trans } = context;
  const started = Date.parse(job.started ?? '');
  const ended = Date.parse(job.ended ?? '');
  const took = (ended - started) / 1000;
  return [
    [trans.__('Submitted'), fullTime(job.submitted)],
    [trans.__('Started'), fullTime(job.started)],
    [trans.__('Ended'), fullTime(job.ended)],
    [trans.__('Took'), Number.isFinite(took) ? showDuration(took) : ''],
    [trans.__('Target'), job.target],
    [trans.__('Node'), job.node],
    [trans.__('Its name there'), job.handle],
    [trans.__('User'), job.user],
    [
      trans.__('Notebook'),
      job.notebook && (
        <button
          type="button"
          className="jp-labnb-link"
          onClick={() => context.openFile(project, job.notebook!)}
        >
          {job.notebook}
        </button>
      )
    ],
    [trans.__('Comes back'), job.out.join(', ')],
    [trans.__('Waits for'), job.after.join(', ')],
    [trans.__('Repeats'), job.retry_of ?? ''],
    [trans.__('Starts'), job.starts > 1 ? String(job.starts) : '']
  ];
}
