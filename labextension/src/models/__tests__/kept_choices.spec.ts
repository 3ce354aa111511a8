import { Signal } from '@lumino/signaling';
import { KeptChoices, type Settings } from '../kept_choices';
import { FIRST_CHOICES, type IRunsChoices, type RunsModel } from '../runs';

function made(): { settings: Settings; model: RunsModel; saved: jest.Mock } {
  const values: Record<string, unknown> = { order: 'name ASC', columns: [] };
  const owner = {};
  const settingsChanged = new Signal<object, void>(owner);
  const modelChanged = new Signal<object, void>(owner);
  const saved = jest.fn(async (key: string, value: unknown) => {
    values[key] = value;
    settingsChanged.emit();
  });
  const model = {
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
    saved
  };
}

describe('KeptChoices', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('takes what was kept', () => {
    const { settings, model, saved } = made();
    new KeptChoices(settings, model);
    expect(model.choices.order).toBe('name ASC');
    expect(saved).not.toHaveBeenCalled();
  });

  it('keeps several choices in a row as one, when they are over', async () => {
    const { settings, model, saved } = made();
    new KeptChoices(settings, model);
    model.choose({ order: 'duration ASC' });
    model.choose({ order: 'duration DESC' });
    expect(saved).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(2000);
    expect(saved.mock.calls).toEqual([['order', 'duration DESC']]);
    model.choose({ columns: ['metrics.loss'] });
    await jest.advanceTimersByTimeAsync(2000);
    expect(saved).toHaveBeenLastCalledWith('columns', ['metrics.loss']);
    expect(saved).toHaveBeenCalledTimes(2);
  });

  it('follows the settings editor', async () => {
    const { settings, model } = made();
    new KeptChoices(settings, model);
    await settings.set('order', 'started ASC');
    expect(model.choices.order).toBe('started ASC');
  });
});
