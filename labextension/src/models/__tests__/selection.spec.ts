import { Selection } from '../selection';

const rows = {
  count: 6,
  at: (index: number) =>
    index >= 0 && index < 6 ? { id: `r${index}` } : undefined,
  indexOf: (id: string) => Number(id.slice(1))
};

describe('Selection', () => {
  it('chooses one, adds, takes away, extends', () => {
    const selection = new Selection(rows);
    const heard = jest.fn();
    selection.changed.connect(heard);
    selection.pick(1);
    expect(selection.ids).toEqual(['r1']);
    selection.pick(3, 'toggle');
    expect(selection.ids).toEqual(['r1', 'r3']);
    selection.pick(3, 'toggle');
    expect(selection.ids).toEqual(['r1']);
    selection.pick(5, 'extend');
    expect(selection.ids).toEqual(['r3', 'r4', 'r5']);
    selection.pick(2, 'extend');
    expect(selection.ids).toEqual(['r2', 'r3']);
    expect(heard).toHaveBeenCalledTimes(5);
  });

  it('moves without choosing, and forgets', () => {
    const selection = new Selection(rows);
    selection.move(4);
    expect([selection.active, selection.ids]).toEqual([4, []]);
    selection.all();
    expect(selection.ids.length).toBe(6);
    selection.clear();
    expect(selection.ids).toEqual([]);
  });
});
