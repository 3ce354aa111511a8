/** The section "Jobs" of the side bar. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import * as React from 'react';
import type { JobsModel } from '../../models/jobs';
import { Coming, JobsBody } from '../drawn';

export class JobsPanel extends ReactWidget {
  constructor(
    model: JobsModel,
    open: (id: string) => void,
    trans: TranslationBundle
  ) {
    super();
    this._model = model;
    this._open = open;
    this._trans = trans;
    this.id = 'labnb-jobs';
    this.addClass('jp-labnb-panel');
    this.title.label = trans.__('Jobs');
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._model.open();
    this._seen = true;
    this.update();
  }

  protected render(): JSX.Element {
    const model = this._model;
    if (!this._seen) {
      return <></>;
    }
    const draw = (): JSX.Element => (
      <JobsBody
        model={model}
        now={Date.now()}
        trans={this._trans}
        onOpen={this._open}
      />
    );
    return (
      <Coming onThere={() => this.update()}>
        <UseSignal signal={model.changed}>
          {() => <UseSignal signal={model.selection.changed}>{draw}</UseSignal>}
        </UseSignal>
      </Coming>
    );
  }

  private readonly _model: JobsModel;
  private readonly _open: (id: string) => void;
  private readonly _trans: TranslationBundle;
  private _seen = false;
}
