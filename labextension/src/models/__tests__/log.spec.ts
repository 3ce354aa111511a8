import type { ILog } from '../../api/types';
import { KEPT, LogModel, plain } from '../log';

/** A log of this text, asked as the server is asked. */
function server(text: () => string, ended: () => boolean) {
  const bytes = () => new TextEncoder().encode(text());
  return async (offset: number, limit: number): Promise<ILog> => {
    const all = bytes();
    const start = offset < 0 ? Math.max(0, all.length + offset) : offset;
    const end = Math.min(all.length, start + limit);
    return {
      text: new TextDecoder().decode(all.slice(start, end)),
      offset: start,
      next: end,
      size: all.length,
      tail: '',
      ended: ended()
    };
  };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) {
    await Promise.resolve();
  }
}

describe('LogModel', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('shows the end of a large log first, and earlier pieces when asked', async () => {
    const line = 'epoch 123456789\n';
    const text = line.repeat(50_000_000 / line.length);
    const asked: number[] = [];
    const ask = server(
      () => text,
      () => true
    );
    const model = new LogModel((offset, limit) => {
      asked.push(limit);
      return ask(offset, limit);
    });
    model.follow();
    await settled();
    expect(model.size).toBe(50_000_000);
    expect(model.text.length).toBe(65_536);
    expect(model.atEnd).toBe(true);
    for (let turn = 0; turn < 8; turn++) {
      await model.earlier();
    }
    expect(model.text.length).toBeLessThanOrEqual(KEPT);
    expect(model.atEnd).toBe(false);
    expect(Math.max(...asked)).toBeLessThan(300_000);
    void model.tail();
    await settled();
    expect(model.atEnd).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
    model.dispose();
  });

  it('follows while the run goes on, and stops with it', async () => {
    let text = 'one\n';
    let ended = false;
    const model = new LogModel(
      server(
        () => text,
        () => ended
      )
    );
    model.follow();
    await settled();
    expect(model.text).toBe('one\n');
    text += 'two\n';
    jest.advanceTimersByTime(1000);
    await settled();
    expect(model.text).toBe('one\ntwo\n');
    ended = true;
    jest.advanceTimersByTime(1000);
    await settled();
    expect(model.ended).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('says what is wrong, and goes on when it is over', async () => {
    let broken = true;
    const ask = server(
      () => 'text',
      () => true
    );
    const model = new LogModel((offset, limit) =>
      broken ? Promise.reject(new Error('gone')) : ask(offset, limit)
    );
    model.follow();
    await settled();
    expect(model.problem?.message).toBe('gone');
    broken = false;
    jest.advanceTimersByTime(1000);
    await settled();
    expect([model.problem, model.text]).toEqual([null, 'text']);
  });
});

describe('plain', () => {
  it.each([
    ['\u001b[31mred\u001b[0m', 'red'],
    ['10%\r50%\r100%\nnext', '100%\nnext'],
    ['done\r\nnext', 'done\nnext'],
    ['50%\r', '50%'],
    ['\u001b]0;title\u0007text', 'text']
  ])('reads %p as %p', (text, shown) => {
    expect(plain(text)).toBe(shown);
  });
});
