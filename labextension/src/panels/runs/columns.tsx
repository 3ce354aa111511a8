/** The dialog in which one chooses what the rows show. */

import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { IKeys } from '../../api/runs';

/** The chosen keys as metrics.accuracy, in the order of choosing; null where nothing is to change. */
export async function chooseColumns(
  keys: IKeys,
  chosen: readonly string[],
  trans: TranslationBundle
): Promise<string[] | null> {
  const body = new Choice(keys, chosen, trans);
  const result = await new Dialog<string[]>({
    title: trans.__('Columns'),
    body,
    focusNodeSelector: 'input',
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: trans.__('Show these') })
    ]
  }).launch();
  return result.button.accept ? result.value : null;
}

class Choice extends ReactWidget implements Dialog.IBodyWidget<string[]> {
  constructor(
    keys: IKeys,
    chosen: readonly string[],
    trans: TranslationBundle
  ) {
    super();
    this._keys = keys;
    this._chosen = [...chosen];
    this._trans = trans;
    this.addClass('jp-labnb-columns');
  }

  getValue(): string[] {
    return this._chosen;
  }

  protected render(): JSX.Element {
    const trans = this._trans;
    const groups: [string, string, readonly string[]][] = [
      ['metrics', trans.__('Metrics'), this._keys.metrics],
      ['params', trans.__('Params'), this._keys.params],
      ['tags', trans.__('Tags'), this._keys.tags]
    ];
    return (
      <>
        <p>
          {trans.__('Shown in the second line of a row, in this order: %1', [
            this._chosen.map(bare).join(', ') ||
              trans.__('metrics, then params')
          ])}
        </p>
        {groups
          .filter(([, , names]) => names.length > 0)
          .map(([kind, label, names]) => (
            <fieldset key={kind}>
              <legend>{label}</legend>
              {names.map(name => {
                const key = `${kind}.${name}`;
                return (
                  <label key={key}>
                    <input
                      type="checkbox"
                      checked={this._chosen.includes(key)}
                      onChange={event =>
                        this._set(key, event.currentTarget.checked)
                      }
                    />
                    {name}
                  </label>
                );
              })}
            </fieldset>
          ))}
      </>
    );
  }

  private _set(key: string, on: boolean): void {
    this._chosen = this._chosen.filter(one => one !== key);
    if (on) {
      this._chosen.push(key);
    }
    this.update();
  }

  private readonly _keys: IKeys;
  private readonly _trans: TranslationBundle;
  private _chosen: string[];
}

function bare(key: string): string {
  return key.slice(key.indexOf('.') + 1);
}
