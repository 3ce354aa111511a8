/** The form of "Run on target…". */

import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { ITargetItem } from '../api/types';
import { showResource } from '../wording/resource';
import type { ISubmission } from './line';

/** What was asked for; null where it was called off. */
export async function askSubmission(
  targets: readonly ITargetItem[],
  message: string,
  trans: TranslationBundle
): Promise<ISubmission | null> {
  const body = new Form(targets, message, trans);
  const buttons = [Dialog.cancelButton({ label: trans.__('Cancel') })];
  if (targets.length > 0) {
    buttons.push(Dialog.okButton({ label: trans.__('Run there') }));
  }
  const result = await new Dialog<ISubmission>({
    title: trans.__('Run on target'),
    body,
    buttons,
    focusNodeSelector: 'select'
  }).launch();
  return result.button.accept ? result.value : null;
}

class Form extends ReactWidget implements Dialog.IBodyWidget<ISubmission> {
  constructor(
    targets: readonly ITargetItem[],
    message: string,
    trans: TranslationBundle
  ) {
    super();
    this._targets = targets;
    this._message = message;
    this._trans = trans;
    this._asked = {
      target: targets[0]?.name ?? '',
      name: '',
      cpus: '',
      gpus: '',
      memory: '',
      time: '',
      out: ''
    };
    this.addClass('jp-labnb-form');
  }

  getValue(): ISubmission {
    return this._asked;
  }

  protected render(): JSX.Element {
    const trans = this._trans;
    const target = this._targets.find(one => one.name === this._asked.target);
    if (!target) {
      return (
        <div>
          <p>{this._message || trans.__('labnb.toml names no target yet.')}</p>
          <pre>{EXAMPLE}</pre>
        </div>
      );
    }
    const fields: [keyof ISubmission, string, string][] = [
      ['name', trans.__('Name'), trans.__('of the run')],
      ['cpus', trans.__('CPUs'), own(target, 'cpus')],
      ['gpus', trans.__('GPUs'), own(target, 'gpus')],
      ['memory', trans.__('Memory'), own(target, 'memory') || '8G'],
      ['time', trans.__('Time'), own(target, 'time') || '2h'],
      ['out', trans.__('Names that come back'), 'model,score']
    ];
    return (
      <>
        <label>
          {trans.__('Target')}
          <select
            className="jp-labnb-select"
            value={target.name}
            onChange={event => this._set('target', event.currentTarget.value)}
          >
            {this._targets.map(one => (
              <option key={one.name} value={one.name}>
                {`${one.name} · ${one.executor} · ${one.host || 'local'}`}
              </option>
            ))}
          </select>
        </label>
        {fields.map(([field, label, placeholder]) => (
          <label key={field}>
            {label}
            <input
              className="jp-labnb-search"
              placeholder={placeholder}
              value={this._asked[field]}
              onChange={event => this._set(field, event.currentTarget.value)}
            />
          </label>
        ))}
      </>
    );
  }

  private _set(field: keyof ISubmission, value: string): void {
    this._asked = { ...this._asked, [field]: value };
    this.update();
  }

  private readonly _targets: readonly ITargetItem[];
  private readonly _message: string;
  private readonly _trans: TranslationBundle;
  private _asked: ISubmission;
}

/** Not a word of any language. */
const EXAMPLE =
  '[targets.cluster]\nhost = "login.example.org"\nexecutor = "slurm"';

function own(target: ITargetItem, name: string): string {
  return showResource(name, target.resources[name]);
}
