/** The lines of a card below its headline, each there only when it has something to say. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { element } from './dom';
import type { ICode, IDataFile, INote, IRun } from './run';

const GLANCE = 60;

export function rows(
  run: IRun,
  shown: number,
  trans: TranslationBundle
): HTMLElement[] {
  const built = [
    row(trans.__('Metrics'), run.metrics.map(pair), shown, trans),
    row(trans.__('Params'), run.params.map(pair), shown, trans),
    row(
      trans.__('Data'),
      run.inputs.map(one => file(one, trans)),
      shown,
      trans
    ),
    row(
      trans.__('Wrote'),
      run.outputs.map(one => file(one, trans)),
      shown,
      trans
    ),
    row(
      trans.__('Code'),
      code(run.status === 'RUNNING' ? null : run.code, trans),
      shown,
      trans
    ),
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
  const shown = element('span', 'value', cut(value));
  shown.title = value;
  return element('span', 'pair', element('span', 'name', name), ' ', shown);
}

function file(one: IDataFile, trans: TranslationBundle): HTMLElement {
  const built = element('span', 'file', element('span', 'value', one.path));
  if (one.dataset !== null) {
    built.append(' ', element('span', 'name', version(one, trans)));
  }
  return built;
}

function version(one: IDataFile, trans: TranslationBundle): string {
  if (one.version === null) {
    return trans.__('changed since the last version of %1', one.dataset);
  }
  const name = one.dataset === one.path ? '' : one.dataset;
  return `${name}@${short(one.version)}`;
}

function code(known: ICode | null, trans: TranslationBundle): HTMLElement[] {
  if (known === null) {
    return [];
  }
  const commit = known.commit
    ? known.commit.slice(0, 8)
    : trans.__('no commit yet');
  const built = element('span', 'file', element('span', 'value', commit));
  built.title = known.commit;
  if (known.commit && known.dirty) {
    built.append(' ', element('span', 'name', trans.__('+ changes')));
  }
  if (known.branch) {
    built.append(' ', element('span', 'name', trans.__('on %1', known.branch)));
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

/** One line of at most as many characters as are read at a glance; the whole is its title. */
function cut(value: string): string {
  const line = value.replace(/\s+/g, ' ').trim();
  return line.length <= GLANCE ? line : `${line.slice(0, GLANCE - 1)}…`;
}
