import { readProblem } from '../request';

describe('readProblem', () => {
  it('takes the words of the server', () => {
    const text = '{"code": "run-unknown", "message": "no run x", "hint": "y"}';
    expect(readProblem(404, text)).toMatchObject({
      code: 'run-unknown',
      message: 'no run x',
      hint: 'y'
    });
  });

  it.each([['<html>Bad gateway</html>'], ['null'], ['[]'], ['']])(
    'says the status when the answer is %p',
    text => {
      expect(readProblem(502, text)).toMatchObject({
        code: '502',
        message: 'HTTP 502'
      });
    }
  );
});
