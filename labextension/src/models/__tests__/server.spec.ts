import { ServerModel } from '../server';

describe('ServerModel', () => {
  it('knows the server that answers', async () => {
    const model = new ServerModel(async () => ({ schema: 1, version: '9' }));
    const heard = jest.fn();
    model.changed.connect(heard);
    expect(model.state.kind).toBe('asking');
    await model.refresh();
    expect(model.state).toEqual({ kind: 'here', version: '9' });
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it('knows that none answers', async () => {
    const model = new ServerModel(() => Promise.reject(new Error('404')));
    await model.refresh();
    expect(model.state).toEqual({ kind: 'away' });
  });
});
