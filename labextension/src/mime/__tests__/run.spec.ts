import { readRun, showValue } from '../run';

describe('readRun', () => {
  it('reads a run as labnb writes it', () => {
    const run = readRun({
      schema: 1,
      uid: '01h',
      name: 'fit',
      status: 'FINISHED',
      started: '2026-01-02T03:04:05+00:00',
      ended: '2026-01-02T03:04:07.500+00:00',
      metrics: { accuracy: 0.9736842105, 'system/cpu': 7 },
      params: { depth: 3, kernel: 'rbf', sizes: [1, 2] },
      inputs: [{ path: 'iris.csv', dataset: 'iris', version: 'md5:ab' }],
      code: { commit: 'abc', dirty: true },
      notes: [{ code: 'x', message: 'm', hint: 'h' }]
    });
    expect(run).toMatchObject({
      name: 'fit',
      status: 'FINISHED',
      elapsed: 2.5,
      code: { commit: 'abc', branch: '', dirty: true },
      metrics: [['accuracy', '0.973684']],
      notes: [{ message: 'm', hint: 'h' }]
    });
    expect(run.params).toEqual([
      ['depth', '3'],
      ['kernel', 'rbf'],
      ['sizes', '[1,2]']
    ]);
    expect(run.inputs[0]).toMatchObject({ path: 'iris.csv', dataset: 'iris' });
  });

  it.each([[undefined], [null], [7], ['text'], [[]], [{ metrics: [1] }]])(
    'leaves out what is strange: %p',
    data => {
      const run = readRun(data);
      expect(run.status).toBe('UNKNOWN');
      expect(run.metrics).toEqual([]);
      expect(run.elapsed).toBeNull();
    }
  );

  it('takes seconds and milliseconds for times, and the uid for a missing name', () => {
    expect(readRun({ started: 1767323045 }).started).toBe(1767323045000);
    expect(readRun({ started: 1767323045000 }).started).toBe(1767323045000);
    expect(readRun({ uid: 'u', started: 'yesterday' })).toMatchObject({
      name: 'u',
      started: null
    });
  });

  it('knows when it was written, told or counted from its start', () => {
    const started = '2026-01-02T03:04:05Z';
    const as_of = '2026-01-02T03:05:00Z';
    expect(readRun({ started, as_of }).asOf).toBe(Date.parse(as_of));
    expect(readRun({ started, elapsed: 5 }).asOf).toBe(
      Date.parse(started) + 5000
    );
  });
});

describe('showValue', () => {
  it.each([
    [3, '3'],
    [0.1 + 0.2, '0.3'],
    [1234567.891, '1234570'],
    [1e-9, '1e-9'],
    [Infinity, 'Infinity'],
    [true, 'true'],
    [null, 'null'],
    ['plain', 'plain'],
    [undefined, '']
  ])('shows %p as %p', (value, text) => {
    expect(showValue(value)).toBe(text);
  });
});
