/** The section "Jobs": what was asked of other processes and machines, and how it stands. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { IJobRow } from '../../api/jobs';
import { SearchBox } from '../../components/search_box';
import { Failed, Loading } from '../../components/state';
import { VirtualList } from '../../components/virtual_list';
import { showDuration } from '../../mime/elapsed';
import { jobColour, jobEnded, jobName, jobSign } from '../../mime/job_state';
import type { JobsModel } from '../../models/jobs';
import { ago, fullTime, readTime } from '../../wording/ago';

export interface IJobsBodyProps {
  model: JobsModel;
  now: number;
  trans: TranslationBundle;
  onOpen(id: string): void;
}

const ROW_HEIGHT = 44;
/** Code, the same in every language. */
const FIRST_CELL = '%%labrun fit --on cluster\nmodel.fit(X, y)';

export function JobsBody(props: IJobsBodyProps): JSX.Element {
  const { model, trans, now } = props;
  const { list } = model;
  const { state, query } = list;
  const onRange = React.useCallback(
    (first: number, last: number) => list.show(first, last),
    [list]
  );
  const narrowed = Boolean(query.search) || query.state !== 'all';
  const empty = state.kind === 'ready' && list.count === 0;
  if (empty && !narrowed) {
    return <First trans={trans} />;
  }
  return (
    <>
      <div className="jp-labnb-filters" role="search">
        <SearchBox
          value={query.search}
          label={trans.__('Search jobs')}
          placeholder={trans.__('name, target or state')}
          onChange={search => model.set({ search })}
        />
        <div className="jp-labnb-chips">
          <select
            className="jp-labnb-select"
            aria-label={trans.__('State')}
            value={query.state}
            onChange={event =>
              model.set({
                state: event.currentTarget.value as typeof query.state
              })
            }
          >
            <option value="all">{trans.__('all jobs')}</option>
            <option value="open">{trans.__('waiting or running')}</option>
            <option value="ended">{trans.__('ended')}</option>
          </select>
        </div>
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
      {empty ? (
        <div className="jp-labnb-empty">{trans.__('No job fits.')}</div>
      ) : (
        <VirtualList
          label={trans.__('Jobs')}
          kind="job"
          rows={list}
          total={list.total}
          selection={model.selection}
          rowHeight={ROW_HEIGHT}
          row={index => (
            <JobRow job={list.at(index)!} now={now} trans={trans} />
          )}
          onRange={onRange}
          onOpen={index => {
            const job = list.at(index);
            if (job) {
              props.onOpen(job.id);
            }
          }}
        />
      )}
    </>
  );
}

function JobRow(props: {
  job: IJobRow;
  now: number;
  trans: TranslationBundle;
}): JSX.Element {
  const { job, now, trans } = props;
  const state = jobName(job.state, trans);
  const submitted = readTime(job.submitted);
  const started = readTime(job.started);
  const ended = readTime(job.ended);
  const took =
    started === null
      ? ''
      : showDuration(
          Math.max(0, ((jobEnded(job.state) ? ended : now) ?? now) - started) /
            1000
        );
  const second = job.cause ? `${state}: ${job.cause}` : state;
  return (
    <>
      <div className="jp-labnb-row-line">
        <span
          className="jp-labnb-sign"
          data-status={jobColour(job.state)}
          role="img"
          aria-label={state}
          title={state}
        >
          {jobSign(job.state)}
        </span>
        <span className="jp-labnb-row-name" dir="auto" title={job.name}>
          {job.name}
        </span>
        <span className="jp-labnb-tag">{job.target}</span>
        <span className="jp-labnb-row-end" title={fullTime(job.submitted)}>
          {submitted === null ? '' : ago(submitted, now, trans)}
        </span>
      </div>
      <div className="jp-labnb-row-line jp-labnb-row-second" title={second}>
        <span className="jp-labnb-row-facts">{second}</span>
        <span className="jp-labnb-row-end">{took}</span>
      </div>
    </>
  );
}

function First(props: { trans: TranslationBundle }): JSX.Element {
  const { trans } = props;
  return (
    <div className="jp-labnb-empty">
      <p className="jp-labnb-empty-title">{trans.__('No jobs yet')}</p>
      <p>
        {trans.__(
          'Name a target in labnb.toml, then send a cell to it. The job goes on without this window.'
        )}
      </p>
      <pre>{FIRST_CELL}</pre>
    </div>
  );
}
