/** The section "Runs" of the side bar. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { Signal, type ISignal } from '@lumino/signaling';
import * as React from 'react';
import type { RunsModel } from '../../models/runs';
import type { ServerModel } from '../../models/server';
import { Coming, fetchBodies, RunsBody } from '../drawn';

/** What the panel asks others to do. */
export interface IRunsActions {
  open(uid: string): void;
  compare(): void;
  remove(): void;
  columns(): void;
}

/** Milliseconds between two looks at the clock, for "5 min" and what still runs. */
const TICK = 5_000;

export class RunsPanel extends ReactWidget {
  constructor(
    model: RunsModel,
    server: ServerModel,
    actions: IRunsActions,
    trans: TranslationBundle
  ) {
    super();
    this.model = model;
    this._server = server;
    this._actions = actions;
    this._trans = trans;
    this.id = 'labnb-runs';
    this.addClass('jp-labnb-panel');
    this.title.label = trans.__('Runs');
  }

  readonly model: RunsModel;

  /** It is looked at for the first time. */
  get opened(): ISignal<this, void> {
    return this._opened;
  }

  /** Whether it was ever looked at. */
  get seen(): boolean {
    return this._seen;
  }

  override dispose(): void {
    window.clearInterval(this._clock);
    super.dispose();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    if (this._server.state.kind !== 'here') {
      void this._server.refresh();
    }
    this.model.open();
    fetchBodies().catch(() => {
      // Drawing says so.
    });
    if (!this._seen) {
      this._seen = true;
      this._opened.emit();
    }
    this._clock = window.setInterval(() => this.update(), TICK);
    this.update();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    window.clearInterval(this._clock);
  }

  protected render(): JSX.Element {
    const { model, _actions: actions, _server: server } = this;
    if (!this._seen) {
      return <></>;
    }
    const draw = (): JSX.Element => (
      <RunsBody
        model={model}
        server={server.state}
        now={Date.now()}
        trans={this._trans}
        onOpen={actions.open}
        onCompare={actions.compare}
        onDelete={actions.remove}
        onColumns={actions.columns}
        onRetry={() => {
          void server.refresh();
          void model.list.reload();
        }}
      />
    );
    return (
      <Coming onThere={() => this.update()}>
        <UseSignal signal={server.changed}>
          {() => (
            <UseSignal signal={model.changed}>
              {() => (
                <UseSignal signal={model.selection.changed}>{draw}</UseSignal>
              )}
            </UseSignal>
          )}
        </UseSignal>
      </Coming>
    );
  }

  private readonly _server: ServerModel;
  private readonly _actions: IRunsActions;
  private readonly _trans: TranslationBundle;
  private readonly _opened = new Signal<this, void>(this);
  private _seen = false;
  private _clock = 0;
}
