import { nullTranslator } from '@jupyterlab/translation';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { RunCard, runCardFactory } from '../card';
import { RUN_MIME } from '../run';

const trans = nullTranslator.load('labnb');

function model(data: object): IRenderMime.IMimeModel {
  return {
    trusted: false,
    data: { [RUN_MIME]: data as never },
    metadata: {},
    setData: () => undefined
  };
}

async function draw(data: object): Promise<RunCard> {
  const card = new RunCard(trans, { itemsShown: 2 });
  await card.renderModel(model(data));
  return card;
}

const time = (card: RunCard): string | null | undefined =>
  card.node.querySelector('.jp-labnb-card-time')?.textContent;

describe('RunCard', () => {
  beforeEach(() => jest.useFakeTimers({ now: Date.UTC(2026, 0, 2) }));
  afterEach(() => jest.useRealTimers());

  it('shows what a finished run has, and nothing that it has not', async () => {
    const card = await draw({
      name: 'fit',
      status: 'FINISHED',
      elapsed: 3.2,
      metrics: { acc: 0.5 },
      code: { commit: '0123456789abcdef', dirty: true, branch: 'main' }
    });
    expect(card.node.getAttribute('aria-label')).toBe('Run fit: finished');
    expect(card.node.textContent).toContain('acc 0.5');
    expect(card.node.textContent).toContain('01234567 + changes on main');
    expect(time(card)).toBe('3.2 s');
    const labels = card.node.querySelectorAll('.jp-labnb-card-label');
    expect([...labels].map(one => one.textContent)).toEqual([
      'Metrics',
      'Code'
    ]);
  });

  it('says where data and code have no version', async () => {
    const card = await draw({
      status: 'FINISHED',
      inputs: [
        { path: 'a.csv', dataset: 'a.csv', version: 'md5:0123456789abcdef01' },
        { path: 'b/1.csv', dataset: 'b', version: null },
        { path: 'c.csv', dataset: null, version: null }
      ],
      code: { commit: null, dirty: true }
    });
    const files = card.node.querySelectorAll('.jp-labnb-card-file');
    expect([...files].map(one => one.textContent)).toEqual([
      'a.csv @01234567',
      'b/1.csv changed since the last version of b',
      'c.csv',
      'no commit yet'
    ]);
  });

  it('never makes elements of what it shows', async () => {
    const evil = '<img src=x onerror=alert(1)>';
    const card = await draw({
      name: evil,
      params: { [evil]: evil },
      notes: [{ message: evil, hint: evil }],
      html: evil
    });
    expect(card.node.querySelector('img')).toBeNull();
    expect(card.node.textContent).toContain(evil);
  });

  it('folds what is more than a glance', async () => {
    const card = await draw({ params: { a: 1, b: 2, c: 3, d: 4 } });
    expect(card.node.querySelector('summary')?.textContent).toBe('2 more');
  });

  it('ticks while it runs, and stops with the run', async () => {
    const card = await draw({
      status: 'RUNNING',
      elapsed: 4,
      as_of: Date.now()
    });
    expect(time(card)).toBe('4.0 s');
    jest.advanceTimersByTime(3000);
    expect(time(card)).toBe('7.0 s');
    await card.renderModel(model({ status: 'FINISHED', elapsed: 7.5 }));
    expect(jest.getTimerCount()).toBe(0);
    expect(time(card)).toBe('7.5 s');
  });

  it('stops ticking when it is disposed', async () => {
    const card = await draw({ status: 'RUNNING', elapsed: 0 });
    expect(jest.getTimerCount()).toBe(1);
    card.dispose();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('says "as of" when it was reloaded, until it changes again', async () => {
    const then = Date.now() - 3_600_000;
    const card = await draw({ status: 'RUNNING', elapsed: 4, as_of: then });
    expect(time(card)).toMatch(/^as of /);
    expect(jest.getTimerCount()).toBe(0);
    const next = { status: 'RUNNING', elapsed: 5, as_of: then + 1000 };
    await card.renderModel(model(next));
    expect(time(card)).toBe('5.0 s');
    card.dispose();
  });

  it('is safe in a notebook that is not trusted', () => {
    const factory = runCardFactory(trans, { itemsShown: 8 });
    expect(factory.safe).toBe(true);
    expect(factory.mimeTypes).toEqual([RUN_MIME]);
  });
});
