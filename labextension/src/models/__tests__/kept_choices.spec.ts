import { Signal } from '@lumino/signaling';
import { KeptChoices, type Settings } from '../kept_choices';
import { FIRST_CHOICES, type IRunsChoices, type RunsModel } from '../runs';

function made(): {
  settings: Settings;
  model: RunsModel;
  saved: jest.Mock;
  list: { state: { kind: string } };
} {
  const values: Record<string, unknown> = { order: 'name ASC', columns: [] };
  const owner = {};
  const settingsChanged = new Signal<object, void>(owner);
  const modelChanged = new Signal<object, void>(owner);
  const saved = jest.fn(async (key: string, value: unknown) => {
    values[key] = value;
    settingsChanged.emit();
  });
  const list = { state: { kind: 'ready' } };
  const model = {
    list,
    choices: FIRST_CHOICES,
    changed: modelChanged,
    choose(choices: Partial<IRunsChoices>) {
      this.choices = { ...this.choices, ...choices };
      modelChanged.emit();
    }
  };
  const settings = {
    get: (key: string) => ({ composite: values[key], user: undefined }),
    set: saved,
    changed: settingsChanged
  };
  return {
    settings: settings as unknown as Settings,
    model: model as unknown as RunsModel,
    saved,
    list
  };
}

describe('KeptChoices', () => {
  it('takes what was kept', () => {
    const { settings, model, saved } = made();
    new KeptChoices(settings, model);
    expect(model.choices.order).toBe('name ASC');
    expect(saved).not.toHaveBeenCalled();
  });

  it('keeps what was chosen when it stands there', async () => {
    const { settings, model, saved, list } = made();
    new KeptChoices(settings, model);
    list.state = { kind: 'loading' };
    model.choose({ order: 'duration ASC' });
    expect(saved).not.toHaveBeenCalled();
    list.state = { kind: 'ready' };
    model.choose({});
    model.choose({ order: 'duration DESC', columns: ['metrics.loss'] });
    await new Promise(go => setTimeout(go));
    expect(saved.mock.calls).toEqual([
      ['order', 'duration ASC'],
      ['columns', ['metrics.loss']],
      ['order', 'duration DESC']
    ]);
    expect(model.choices.order).toBe('duration DESC');
  });

  it('goes on when it cannot be kept', async () => {
    const { settings, model, saved } = made();
    new KeptChoices(settings, model);
    saved.mockRejectedValueOnce(new Error('no room'));
    model.choose({ order: 'duration ASC' });
    await new Promise(go => setTimeout(go));
    expect(model.choices.order).toBe('duration ASC');
    model.choose({ order: 'duration DESC' });
    await new Promise(go => setTimeout(go));
    expect(saved).toHaveBeenLastCalledWith('order', 'duration DESC');
  });

  it('asks once for what the settings do not take', async () => {
    const { settings, model, saved } = made();
    new KeptChoices(settings, model);
    saved.mockImplementation(async () => undefined);
    model.choose({ order: 'duration ASC' });
    await new Promise(go => setTimeout(go));
    expect(saved).toHaveBeenCalledTimes(1);
  });

  it('follows the settings editor', async () => {
    const { settings, model } = made();
    new KeptChoices(settings, model);
    await settings.set('order', 'started ASC');
    expect(model.choices.order).toBe('started ASC');
  });
});
