/** What is chosen in the panel is a setting, and the other way round. */

import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Debouncer } from '@lumino/polling';
import { FIRST_CHOICES, type IRunsChoices, type RunsModel } from './runs';

/** The part of JupyterLab's settings that is used. */
export type Settings = Pick<
  ISettingRegistry.ISettings,
  'get' | 'set' | 'changed'
>;

/** Milliseconds from the last choice: what is asked of the server comes first. */
const PAUSE = 1000;

export class KeptChoices {
  constructor(settings: Settings, model: RunsModel) {
    this._settings = settings;
    this._model = model;
    this._read();
    settings.changed.connect(this._read, this);
    model.changed.connect(this._keep, this);
  }

  private _read(): void {
    if (this._unsaved || !this._differs()) {
      return;
    }
    this._model.choose({
      order: (this._get('order') as string) || FIRST_CHOICES.order,
      columns: this._get('columns') as string[]
    });
  }

  private _keep(): void {
    if (this._differs()) {
      this._unsaved = true;
      this._saver.invoke().catch(() => {
        // It holds until the page is closed.
      });
    }
  }

  private async _save(): Promise<void> {
    try {
      for (const key of KEYS) {
        if (this._differs([key])) {
          await this._settings.set(key, this._model.choices[key]);
        }
      }
    } finally {
      this._unsaved = false;
    }
  }

  private _differs(keys: readonly (keyof IRunsChoices)[] = KEYS): boolean {
    const { choices } = this._model;
    return keys.some(key => String(choices[key]) !== String(this._get(key)));
  }

  private _get(key: keyof IRunsChoices): unknown {
    return this._settings.get(key).composite;
  }

  private readonly _settings: Settings;
  private readonly _model: RunsModel;
  private readonly _saver = new Debouncer(() => this._save(), PAUSE);
  private _unsaved = false;
}

const KEYS = ['order', 'columns'] as const;
