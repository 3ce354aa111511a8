import { bare, hasLine, record, submit } from '../line';

const ASKED = {
  target: 'cluster',
  name: '',
  cpus: '',
  gpus: '',
  memory: '',
  time: '',
  out: ''
};

describe('the line of a cell', () => {
  it('is put in once', () => {
    expect(record('x = 1')).toBe('%%labrun\nx = 1');
    expect(record('%%labrun fit\nx = 1')).toBe('%%labrun fit\nx = 1');
    expect(record('%%time\n%%labrun\nx = 1')).toBe('%%time\n%%labrun\nx = 1');
    expect(hasLine('# %%labrun\nx')).toBe(false);
    expect(hasLine('%%labrunner\nx')).toBe(false);
  });

  it('sends the cell to a target', () => {
    expect(submit('x = 1', ASKED)).toBe('%%labrun --on cluster\nx = 1');
    expect(
      submit('%%labrun fit --param lr=0.1 --on old --cpus 2 -q\nx = 1', {
        ...ASKED,
        memory: '8G',
        name: "Ann's run"
      })
    ).toBe(
      `%%labrun 'Ann'"'"'s run' --param lr=0.1 -q --on cluster --memory 8G\nx = 1`
    );
    expect(submit('%%labrun "two words" --on=old\nx', ASKED)).toBe(
      '%%labrun "two words" --on cluster\nx'
    );
  });

  it('does not count for what the cell does', () => {
    expect(bare('%%labrun a\nx = 1\n')).toBe('x = 1');
    expect(bare('x = 1')).toBe(bare('%%labrun --on there\nx = 1'));
  });
});
