import { Signal } from '@lumino/signaling';
import type { IJobRow, JobsApi } from '../../api/jobs';
import { readEvent } from '../../api/events';
import type { IJobItem } from '../../api/types';
import { Feed } from '../feed';
import { JobEnds } from '../job_ends';

const SINCE = Date.parse('2026-01-01T12:00:00Z');
const BEFORE = '2026-01-01T11:00:00Z';
const AFTER = '2026-01-01T12:30:00Z';

/** Jobs with their states, as a server would tell them. */
class Jobs {
  readonly known = new Map<string, [string, string | null]>();

  readonly list: JobsApi['list'] = async () => {
    const items = [...this.known]
      .filter(([, [state]]) => state === 'RUNNING')
      .map(([id]) => this.job(id) as IJobRow);
    return { items, next: null, total: items.length, running: items.length };
  };

  readonly detail = async (id: string): Promise<IJobItem> => this.job(id);

  job(id: string): IJobItem {
    const [state, ended] = this.known.get(id)!;
    return { id, name: id, state, ended } as IJobItem;
  }
}

describe('JobEnds', () => {
  const sender = {};
  let jobs: Jobs;
  let events: Signal<object, unknown>;
  let told: string[][];
  let ends: JobEnds;

  const hear = async (...changed: string[]): Promise<void> => {
    events.emit({
      schema_id: 'https://events.labnb.dev/job',
      project: 'p',
      changed,
      gone: [],
      all: false
    });
    await jest.advanceTimersByTimeAsync(1000);
  };

  beforeEach(() => {
    jest.useFakeTimers();
    jobs = new Jobs();
    events = new Signal<object, unknown>(sender);
    const feed = new Feed(events, { read: readEvent });
    ends = new JobEnds(() => ({ id: 'p', jobs }), feed, SINCE);
    told = [];
    ends.ended.connect((_, items) => told.push(items.map(job => job.id)));
  });

  afterEach(() => {
    ends.dispose();
    jest.useRealTimers();
  });

  it('tells of a job that was open, once', async () => {
    jobs.known.set('a', ['RUNNING', null]).set('b', ['RUNNING', null]);
    await ends.look();
    jobs.known.set('a', ['FAILED', AFTER]);
    await hear('a');
    await hear('a', 'b');
    expect(told).toEqual([['a']]);
  });

  it('tells of a job that began and ended between two looks', async () => {
    await ends.look();
    jobs.known.set('quick', ['COMPLETED', AFTER]);
    await hear('quick');
    expect(told).toEqual([['quick']]);
  });

  it('says nothing of what ended before the page was opened', async () => {
    jobs.known.set('old', ['COMPLETED', BEFORE]);
    await ends.look();
    await hear('old');
    expect(told).toEqual([]);
  });

  it('tells of many that end at once together', async () => {
    for (let job = 0; job < 20; job++) {
      jobs.known.set(`j${job}`, ['RUNNING', null]);
    }
    await ends.look();
    for (let job = 0; job < 20; job++) {
      jobs.known.set(`j${job}`, ['COMPLETED', AFTER]);
    }
    await hear('j3');
    expect(told).toHaveLength(1);
    expect(told[0]).toHaveLength(20);
  });
});
