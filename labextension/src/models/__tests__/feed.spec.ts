import { Signal } from '@lumino/signaling';
import { readEvent } from '../../api/events';
import { Feed, touches, type Changes } from '../feed';

const RUN = 'https://events.labnb.dev/run';

function event(changed: string[], more: Record<string, unknown> = {}): unknown {
  return {
    schema_id: RUN,
    project: 'p',
    changed,
    gone: [],
    all: false,
    ...more
  };
}

describe('Feed', () => {
  const sender = {};
  let events: Signal<object, unknown>;
  let told: Changes[];
  let feed: Feed;

  beforeEach(() => {
    jest.useFakeTimers();
    events = new Signal<object, unknown>(sender);
    feed = new Feed(events, { read: readEvent });
    told = [];
    feed.changed.connect((_, changes) => told.push(changes));
  });

  afterEach(() => {
    feed.dispose();
    jest.useRealTimers();
  });

  it('tells a thousand events a second a few times a second', () => {
    for (let second = 0; second < 3; second++) {
      for (let one = 0; one < 1000; one++) {
        events.emit(event([`r${one % 7}`]));
        jest.advanceTimersByTime(1);
      }
    }
    expect(told.length).toBeGreaterThan(5);
    expect(told.length).toBeLessThan(10);
    expect(told[0]!.of('run', 'p')!.changed.size).toBe(7);
  });

  it('tells what changed in this project, and not in others', () => {
    events.emit(event(['a']));
    events.emit(event(['b'], { project: 'q', gone: ['c'] }));
    jest.advanceTimersByTime(1000);
    const [changes] = told;
    expect([...changes!.of('run', 'p')!.changed]).toEqual(['a']);
    expect([...changes!.of('run', 'q')!.gone]).toEqual(['c']);
    expect(changes!.of('run', 'r')).toBeNull();
    expect(changes!.of('job', 'p')).toBeNull();
    expect([...changes!.of('run', '')!.changed]).toEqual(['a', 'b']);
    expect(touches(changes!.of('run', 'p'), 'b')).toBe(false);
    expect(touches(changes!.of('run', 'q'), 'c')).toBe(true);
  });

  it('takes "all" for anything', () => {
    events.emit(event([], { all: true }));
    jest.advanceTimersByTime(1000);
    expect(touches(told[0]!.of('run', 'p'), 'whatever')).toBe(true);
  });

  it.each([[null], [7], [{}], [{ schema_id: 'https://other/run' }]])(
    'passes over what is not labnb’s: %p',
    other => {
      events.emit(other);
      jest.advanceTimersByTime(1000);
      expect(told).toEqual([]);
    }
  );
});

describe('Feed, asking', () => {
  it('says when the server is back, and when it spoke without being heard', async () => {
    let answer: () => Promise<string> = async () => 'one';
    const feed = new Feed(new Signal<object, unknown>({}), {
      read: readEvent,
      ask: () => answer(),
      pollEvery: 5
    });
    const back = jest.fn();
    feed.restored.connect(back);
    const until = async (test: () => boolean): Promise<void> => {
      const end = Date.now() + 4000;
      while (!test() && Date.now() < end) {
        await new Promise(resolve => setTimeout(resolve, 5));
      }
      expect(test()).toBe(true);
    };
    let asked = 0;
    answer = async () => `one${(asked += 0)}`;
    feed.start();
    await new Promise(resolve => setTimeout(resolve, 60));
    expect(back).not.toHaveBeenCalled();
    answer = () => Promise.reject(new Error('away'));
    await until(() => feed.away);
    answer = async () => 'one0';
    await until(() => !feed.away);
    expect(back).toHaveBeenCalledTimes(1);
    answer = async () => 'two';
    await until(() => back.mock.calls.length === 2);
    feed.dispose();
  });
});
