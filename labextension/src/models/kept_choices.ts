/** What is chosen in the panel is a setting, and the other way round. */

import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { FIRST_CHOICES, type IRunsChoices, type RunsModel } from './runs';

/** The part of JupyterLab's settings that is used. */
export type Settings = Pick<
  ISettingRegistry.ISettings,
  'get' | 'set' | 'changed'
>;

export class KeptChoices {
  constructor(settings: Settings, model: RunsModel) {
    this._settings = settings;
    this._model = model;
    this._read();
    settings.changed.connect(this._read, this);
    model.changed.connect(this._keep, this);
  }

  private _read(): void {
    if (this._saving || !this._differs()) {
      return;
    }
    this._model.choose({
      order: (this._get('order') as string) || FIRST_CHOICES.order,
      columns: this._get('columns') as string[]
    });
  }

  /** Once what was chosen stands there: the server is not kept from answering. */
  private _keep(): void {
    const { state } = this._model.list;
    if (!this._saving && state.kind !== 'loading' && this._differs()) {
      this._saving = true;
      const { choices } = this._model;
      this._save().then(
        () => {
          this._saving = false;
          if (this._model.choices !== choices) {
            this._keep(); // what was chosen meanwhile
          }
        },
        () => {
          this._saving = false; // it holds until the page is closed
        }
      );
    }
  }

  private async _save(): Promise<void> {
    for (const key of KEYS) {
      if (this._differs([key])) {
        await this._settings.set(key, this._model.choices[key]);
      }
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
  private _saving = false;
}

const KEYS = ['order', 'columns'] as const;
