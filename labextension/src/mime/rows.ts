/** The lines of a card below its headline, each there only when it has something to say. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { element } from './dom';
import type { IDataFile, INote, IRun } from './run';

export function rows(
  run: IRun,
  shown: number,
  trans: TranslationBundle
): HTMLElement[] {
  const built = [
    row(trans.__('Metrics'), run.metrics.map(pair), shown, trans),
    row(trans.__('Params'), run.params.map(pair), shown, trans),
    row(trans.__('Data'), run.inputs.map(file), shown, trans),
    row(trans.__('Written'), run.outputs.map(file), shown, trans),
    row(trans.__('Code'), code(run, trans), shown, trans),
    row(trans.__('Notes'), run.notes.map(note), shown, trans)
  ];
  return built.filter((one): one is HTMLElement => one !== null);
}

function row(
  label: string,
  items: HTMLElement[],
  shown: number,
  trans: TranslationBundle
): HTMLElement | null {
  if (items.length === 0) {
    return null;
  }
  const values = element('div', 'values', ...items.slice(0, shown));
  const rest = items.slice(shown);
  if (rest.length > 0) {
    const summary = element('summary', '', trans.__('%1 more', rest.length));
    const folded = element('div', 'values', ...rest);
    values.append(element('details', 'rest', summary, folded));
  }
  return element('div', 'row', element('span', 'label', label), values);
}

function pair([name, value]: [string, string]): HTMLElement {
  return element(
    'span',
    'pair',
    element('span', 'name', name),
    ' ',
    element('span', 'value', value)
  );
}

function file(one: IDataFile): HTMLElement {
  const built = element('span', 'file', element('span', 'value', one.path));
  if (one.dataset !== null) {
    const name = one.dataset === one.path ? '' : one.dataset;
    const version = one.version === null ? '' : `@${short(one.version)}`;
    built.append(' ', element('span', 'name', name + version));
  }
  return built;
}

function code(run: IRun, trans: TranslationBundle): HTMLElement[] {
  if (!run.commit) {
    return [];
  }
  const built = element(
    'span',
    'file',
    element('span', 'value', run.commit.slice(0, 8))
  );
  built.title = run.commit;
  if (run.dirty) {
    built.append(
      ' ',
      element('span', 'name', trans.__('with uncommitted changes'))
    );
  }
  return [built];
}

function note(one: INote): HTMLElement {
  const built = element('div', 'note', one.message);
  if (one.hint) {
    built.append(' ', element('span', 'name', one.hint));
  }
  return built;
}

/** `md5:0123…` and bare digests down to what is enough to tell two apart. */
function short(version: string): string {
  const bare = version.replace(/^[a-z0-9]+:/, '');
  return /^[0-9a-f]{16,}(\.dir)?$/.test(bare) ? bare.slice(0, 8) : bare;
}
