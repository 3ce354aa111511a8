/** The section "Runs" of the side bar. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import * as React from 'react';
import type { ServerModel } from '../../models/server';
import { RunsBody } from './body';

export class RunsPanel extends ReactWidget {
  constructor(model: ServerModel, trans: TranslationBundle) {
    super();
    this._model = model;
    this._trans = trans;
    this.id = 'labnb-runs';
    this.addClass('jp-labnb-panel');
    this.title.label = trans.__('Runs');
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    void this._model.refresh();
  }

  protected render(): JSX.Element {
    return (
      <UseSignal signal={this._model.changed}>
        {() => <RunsBody state={this._model.state} trans={this._trans} />}
      </UseSignal>
    );
  }

  private readonly _model: ServerModel;
  private readonly _trans: TranslationBundle;
}
