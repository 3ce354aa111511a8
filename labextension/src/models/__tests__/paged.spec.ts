import { Problem } from '../../api/request';
import { PAGE, PagedList } from '../paged';
import { KEEP, type IPage } from '../pages';

interface IRow {
  id: string;
}

/** A server with so many rows, that remembers what it was asked. */
class Server {
  constructor(readonly total: number) {}

  readonly asked: [string, string | null][] = [];
  fails = false;
  wait: Promise<void> = Promise.resolve();

  readonly source = async (
    query: string,
    cursor: string | null,
    limit: number,
    signal: AbortSignal
  ): Promise<IPage<IRow>> => {
    this.asked.push([query, cursor]);
    await this.wait;
    if (signal.aborted) {
      throw new Error('aborted');
    }
    if (this.fails) {
      throw new Problem('broken', 'The store is broken.', 'Mend it.');
    }
    const start = Number(cursor ?? 0);
    const end = Math.min(start + limit, this.total);
    const items = [];
    for (let index = start; index < end; index++) {
      items.push({ id: `${query}${index}` });
    }
    const next = end < this.total ? String(end) : null;
    return { items, next, total: this.total };
  };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) {
    await Promise.resolve();
  }
}

describe('PagedList', () => {
  it('asks for nothing before it is told to', async () => {
    const server = new Server(5);
    const list = new PagedList<IRow, string>(server.source, 'a');
    list.show(0, 10);
    await list.refresh();
    expect(server.asked).toEqual([]);
    expect(list.state.kind).toBe('unasked');
  });

  it('brings the next page before the end is reached', async () => {
    const server = new Server(1000);
    const list = new PagedList<IRow, string>(server.source, 'a');
    await list.reload();
    expect([list.count, list.total]).toEqual([PAGE, 1000]);
    list.show(0, 20);
    await settled();
    expect(list.count).toBe(PAGE);
    list.show(60, 80);
    await settled();
    expect(list.count).toBe(2 * PAGE);
    expect(list.at(PAGE + 3)).toEqual({ id: 'a103' });
  });

  it('lets pages go that are far away, and brings them back by their cursor', async () => {
    const server = new Server(100_000);
    const list = new PagedList<IRow, string>(server.source, 'a');
    await list.reload();
    for (let page = 0; page < 3 * KEEP; page++) {
      list.show(list.count - 20, list.count - 1);
      await settled();
    }
    expect(list.at(5)).toBeUndefined();
    let kept = 0;
    for (let index = 0; index < list.count; index++) {
      kept += list.at(index) ? 1 : 0;
    }
    expect(kept).toBeLessThanOrEqual((KEEP + 3) * PAGE);
    list.show(0, 20);
    await settled();
    expect(list.at(5)).toEqual({ id: 'a5' });
  });

  it('does not wait for what was asked before', async () => {
    const server = new Server(50);
    let go: () => void = () => undefined;
    server.wait = new Promise(resolve => (go = resolve));
    const list = new PagedList<IRow, string>(server.source, 'a');
    const first = list.reload();
    const second = list.ask('b');
    go();
    await Promise.all([first, second]);
    expect(list.at(0)).toEqual({ id: 'b0' });
    expect(list.state.kind).toBe('ready');
  });

  it('keeps its rows when the server fails, and says why', async () => {
    const server = new Server(5);
    const list = new PagedList<IRow, string>(server.source, 'a');
    await list.reload();
    server.fails = true;
    await list.refresh();
    expect(list.count).toBe(5);
    expect(list.state).toMatchObject({
      kind: 'failed',
      problem: { message: 'The store is broken.', hint: 'Mend it.' }
    });
    server.fails = false;
    await list.refresh();
    expect(list.state.kind).toBe('ready');
  });

  it('does not abort itself however quick the news come', async () => {
    const server = new Server(5);
    const list = new PagedList<IRow, string>(server.source, 'a');
    await list.reload();
    let go: () => void = () => undefined;
    server.wait = new Promise(resolve => (go = resolve));
    const news = [];
    for (let turn = 0; turn < 1000; turn++) {
      news.push(list.refresh());
    }
    go();
    await Promise.all(news);
    expect(list.state.kind).toBe('ready');
    expect(server.asked.length).toBe(3);
  });

  it('asks only for what is looked at when it is scrolled down', async () => {
    const server = new Server(1000);
    const list = new PagedList<IRow, string>(server.source, 'a');
    await list.reload();
    for (let turn = 0; turn < 5; turn++) {
      list.show(list.count - 30, list.count - 1);
      await settled();
    }
    const { count } = list;
    server.asked.length = 0;
    list.show(310, 330);
    await list.refresh();
    expect(server.asked).toEqual([['a', '300']]);
    expect(list.count).toBe(count);
    list.show(0, 20);
    await settled();
    expect(server.asked[1]).toEqual(['a', null]);
  });

  it('takes rows away at once', async () => {
    const list = new PagedList<IRow, string>(new Server(5).source, 'a');
    await list.reload();
    list.drop(new Set(['a1', 'a3', 'other']));
    expect([list.count, list.total]).toEqual([3, 3]);
    expect([0, 1, 2].map(index => list.at(index)!.id)).toEqual([
      'a0',
      'a2',
      'a4'
    ]);
    expect(list.indexOf('a4')).toBe(2);
  });
});
