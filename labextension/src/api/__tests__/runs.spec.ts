import { toFilter, type IRunsQuery } from '../runs';

const NOTHING: IRunsQuery = {
  search: '',
  status: '',
  mine: false,
  notebook: '',
  tag: '',
  archived: false,
  order: 'started DESC'
};

describe('toFilter', () => {
  it.each<[Partial<IRunsQuery>, string, string]>([
    [{}, '', ''],
    [{ search: ' forest 3 ' }, '', 'forest 3'],
    [{ search: 'metrics.loss < 1' }, 'metrics.loss < 1', ''],
    [{ search: "name LIKE 'a%'" }, "name LIKE 'a%'", ''],
    [
      { search: 'forest', status: 'FAILED', mine: true },
      "attributes.status = 'FAILED' and attributes.user = 'o''neil'",
      'forest'
    ],
    [{ tag: 'team' }, 'tags.`team` IS NOT NULL', ''],
    [{ tag: "team=b'io=1" }, "tags.`team` = 'b''io=1'", '']
  ])('%p', (query, filter, search) => {
    expect(toFilter({ ...NOTHING, ...query }, "o'neil")).toEqual({
      filter,
      search
    });
  });
});
