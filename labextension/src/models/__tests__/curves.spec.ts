import type { Axis, ICurves } from '../../api/types';
import { CurvesModel, type Span } from '../curves';

type Asked = [names: readonly string[], x: Axis, span: Span];

function model(): [CurvesModel, Asked[]] {
  const asked: Asked[] = [];
  const made = new CurvesModel(async (names, x, points, span) => {
    asked.push([names, x, span]);
    const items = names.map(name => ({
      run: 'r',
      name,
      x: [span?.[0] ?? 0, span?.[1] ?? 1000],
      y: [1, 2],
      total: 1000,
      whole: false
    }));
    return { axis: x, items, names: [...names] } as ICurves;
  });
  return [made, asked];
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) {
    await Promise.resolve();
  }
}

describe('CurvesModel', () => {
  it('draws a few at first, the measures of the machine last', async () => {
    const [curves, asked] = model();
    curves.need(['system/cpu', 'b', 'a', 'd', 'c', 'e']);
    await settled();
    expect(curves.shown).toEqual(['a', 'b', 'c', 'd']);
    expect(curves.names.at(-1)).toBe('system/cpu');
    expect(asked).toEqual([[['a', 'b', 'c', 'd'], 'step', null]]);
  });

  it('asks again for what is looked at closely, and for that alone', async () => {
    const [curves, asked] = model();
    curves.need(['a', 'b']);
    await settled();
    await curves.zoom('a', [10, 20]);
    expect(asked[1]).toEqual([['a'], 'step', [10, 20]]);
    expect(curves.of('a')[0]!.x).toEqual([10, 20]);
    await curves.renew();
    expect(asked[2]).toEqual([['b'], 'step', null]);
    await curves.zoom('a', null);
    expect(curves.of('a')[0]!.x).toEqual([0, 1000]);
    await curves.zoom('a', null);
    expect(asked.length).toBe(4);
  });

  it('forgets a zoom with its axis', async () => {
    const [curves, asked] = model();
    curves.need(['a']);
    await settled();
    await curves.zoom('a', [10, 20]);
    curves.set({ x: 'time' });
    await settled();
    expect(asked.at(-1)).toEqual([['a'], 'time', null]);
    curves.set({ smoothing: 0.5 });
    await settled();
    expect(asked.length).toBe(3);
  });

  it('finds metrics that came later', async () => {
    const [curves] = model();
    curves.need([]);
    await settled();
    expect([curves.ready, curves.names]).toEqual([true, []]);
    await curves.renew(['loss']);
    expect(curves.shown).toEqual(['loss']);
    expect(curves.of('loss').length).toBe(1);
  });
});
