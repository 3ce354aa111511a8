/** A dialog for a few lines of text. */

import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

/** The text, or null where it was called off. */
export async function askText(
  title: string,
  text: string,
  trans: TranslationBundle
): Promise<string | null> {
  const result = await new Dialog<string>({
    title,
    body: new Lines(title, text),
    focusNodeSelector: 'textarea',
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: trans.__('Keep') })
    ]
  }).launch();
  return result.button.accept ? (result.value ?? '') : null;
}

class Lines extends Widget implements Dialog.IBodyWidget<string> {
  constructor(label: string, text: string) {
    const area = document.createElement('textarea');
    area.rows = 8;
    area.dir = 'auto';
    area.value = text;
    area.className = 'jp-labnb-lines jp-mod-styled';
    area.setAttribute('aria-label', label);
    // Enter is a new line here, not "OK".
    area.addEventListener('keydown', event => {
      if (event.key === 'Enter') {
        event.stopPropagation();
      }
    });
    super();
    this.node.append(area);
    this._area = area;
  }

  getValue(): string {
    return this._area.value;
  }

  private readonly _area: HTMLTextAreaElement;
}
