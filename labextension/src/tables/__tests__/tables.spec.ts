import { readCsv } from '../read';
import { field, figureCsv } from '../write';

describe('readCsv', () => {
  it('understands quotes, and stops where it is told', () => {
    expect(readCsv('a,b\r\n"x, ""y""\n",2\nlast', ',', 10)).toEqual([
      ['a', 'b'],
      ['x, "y"\n', '2'],
      ['last']
    ]);
    expect(readCsv('1\n2\n3\n', ',', 2)).toEqual([['1'], ['2']]);
    expect(readCsv('', ',', 2)).toEqual([]);
  });
});

describe('figureCsv', () => {
  it('writes what it reads', () => {
    const text = figureCsv({
      data: [{ type: 'scatter', name: 'a, "b"', x: [1, 2], y: [3, null] }],
      layout: {}
    });
    expect(readCsv(text, ',', 9)).toEqual([
      ['name', 'x', 'y'],
      ['a, "b"', '1', '3'],
      ['a, "b"', '2', '']
    ]);
  });

  it('leaves no formula to a spreadsheet', () => {
    expect(field('=HYPERLINK("x")')).toBe('"\'=HYPERLINK(""x"")"');
    expect(field('-1.5')).toBe('-1.5');
    expect(field('-cmd')).toBe("'-cmd");
  });
});
