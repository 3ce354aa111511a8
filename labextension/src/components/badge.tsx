/** How many jobs wait or run, in the status bar. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Signal, type ISignal } from '@lumino/signaling';
import * as React from 'react';
import type { JobsModel } from '../models/jobs';

export class JobsBadge extends ReactWidget {
  constructor(model: JobsModel, trans: TranslationBundle, open: () => void) {
    super();
    this._model = model;
    this._trans = trans;
    this._open = open;
    this.addClass('jp-labnb-badge');
    model.changed.connect(this.refresh, this);
  }

  /** The badge may have to be shown, or hidden. */
  get activeChanged(): ISignal<this, void> {
    return this._active;
  }

  refresh(): void {
    if (this._model.running !== this._shown) {
      this._shown = this._model.running;
      this.update();
    }
    this._active.emit();
  }

  protected render(): JSX.Element {
    const { running } = this._model;
    const trans = this._trans;
    return (
      <button
        type="button"
        className="jp-labnb-badge-button"
        title={trans.__('labnb: show the jobs')}
        onClick={this._open}
      >
        {running === 1
          ? trans.__('1 job')
          : trans.__('%1 jobs', String(running))}
      </button>
    );
  }

  private readonly _model: JobsModel;
  private readonly _trans: TranslationBundle;
  private readonly _open: () => void;
  private readonly _active = new Signal<this, void>(this);
  private _shown = 0;
}
