import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  Clipboard,
  ICommandPalette,
  InputDialog,
  Notification
} from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { ProjectApi } from '../api/backend';
import { asProblem } from '../api/request';
import { CommandIDs } from '../commands';
import { askText } from '../components/ask_text';
import { IBackend, IRuns } from '../tokens';

/** What is done to runs: to those named in the arguments, else to those chosen in the side bar. */
export const runCommandsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'labnb:run-commands',
  description: 'Commands on recorded runs.',
  autoStart: true,
  requires: [IBackend, IRuns],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    backend: IBackend,
    runs: IRuns,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ) => {
    const trans = (translator ?? nullTranslator).load('labnb');
    const { commands, contextMenu } = app;
    const uids = (args: ReadonlyPartialJSONObject): string[] =>
      Array.isArray(args.uids)
        ? args.uids.map(String)
        : typeof args.uid === 'string'
          ? [args.uid]
          : [...runs.selection.ids];
    const api = (args: ReadonlyPartialJSONObject): ProjectApi =>
      typeof args.project === 'string'
        ? backend.of(args.project)
        : backend.current;
    let rank = 0;

    /** A command, its line in the palette and in the menu of a run. */
    const add = (
      id: string,
      label: (args: ReadonlyPartialJSONObject) => string,
      execute: (
        chosen: string[],
        args: ReadonlyPartialJSONObject
      ) => Promise<unknown>,
      one = false
    ): void => {
      commands.addCommand(id, {
        label,
        describedBy: { args: ARGS },
        isEnabled: args => {
          const count = uids(args).length;
          return one ? count === 1 : count > 0;
        },
        execute: async args => {
          try {
            await execute(uids(args), args);
          } catch (error) {
            const problem = asProblem(error);
            Notification.error(`${problem.message} ${problem.hint}`.trim());
          }
        }
      });
      palette?.addItem({ command: id, category: trans.__('labnb') });
      contextMenu.addItem({
        command: id,
        selector: '.jp-labnb-run',
        rank: (rank += 1)
      });
    };

    contextMenu.addItem({
      command: CommandIDs.openRun,
      selector: '.jp-labnb-run',
      rank: 0
    });
    contextMenu.addItem({
      command: CommandIDs.compare,
      selector: '.jp-labnb-run',
      rank: 0.5
    });
    runs.selection.changed.connect(() => {
      commands.notifyCommandChanged();
    });

    add(
      CommandIDs.rerun,
      () => trans.__('Rerun as notebook'),
      async ([uid], args) => {
        const at = api(args).runs;
        const [run, content] = await Promise.all([
          at.detail(uid!),
          at.notebook(uid!)
        ]);
        const folder = PathExt.dirname(
          String(args.folder ?? runs.notebook ?? '')
        );
        const path = await save(app, folder, run.name, content);
        await commands.execute('docmanager:open', { path });
      },
      true
    );
    add(
      CommandIDs.copyId,
      () => trans.__('Copy id'),
      async chosen => Clipboard.copyToSystem(chosen.join('\n'))
    );
    add(
      CommandIDs.tag,
      () => trans.__('Tag…'),
      async chosen => {
        const asked = await InputDialog.getText({
          title: trans.__('Tag'),
          label: trans.__('name=value; "name=" takes the tag away'),
          placeholder: EXAMPLE
        });
        const text = (asked.value ?? '').trim();
        if (!asked.button.accept || !text) {
          return;
        }
        const [name = '', ...value] = text.split('=');
        const given = value.join('=').trim();
        const taken = value.length > 0 && !given;
        await runs.tag(chosen, name.trim(), taken ? null : given || 'true');
      }
    );
    add(
      CommandIDs.note,
      () => trans.__('Note…'),
      async ([uid], args) => {
        const { note } = await api(args).runs.detail(uid!);
        const text = await askText(trans.__('Note'), note, trans);
        if (text !== null) {
          await runs.note(uid!, text);
        }
      },
      true
    );
    add(
      CommandIDs.archive,
      () =>
        runs.list.query.archived
          ? trans.__('Bring back from the archive')
          : trans.__('Archive'),
      async chosen => {
        const archived = !runs.list.query.archived;
        await runs.archive(chosen, archived);
        if (archived) {
          undoable(trans, archivedText(chosen.length, trans), () =>
            runs.archive(chosen, false)
          );
        }
      }
    );
    add(
      CommandIDs.remove,
      () => trans.__('Delete'),
      async chosen => {
        await runs.remove(chosen);
        undoable(trans, deletedText(chosen.length, trans), () =>
          runs.restore(chosen)
        );
      }
    );
  }
};

/** Not a word of any language. */
const EXAMPLE = 'team=bio';

const ARGS = {
  type: 'object',
  properties: {
    uid: { type: 'string' },
    uids: { type: 'array', items: { type: 'string' } },
    project: { type: 'string' }
  }
} as const;

/** Milliseconds in which a second thought is one click away. */
const UNDO = 10_000;

function undoable(
  trans: TranslationBundle,
  message: string,
  undo: () => Promise<void>
): void {
  Notification.info(message, {
    autoClose: UNDO,
    actions: [
      {
        label: trans.__('Undo'),
        callback: () => {
          undo().catch(error => {
            Notification.error(asProblem(error).message);
          });
        }
      }
    ]
  });
}

function deletedText(count: number, trans: TranslationBundle): string {
  return count === 1
    ? trans.__('1 run was deleted.')
    : trans.__('%1 runs were deleted.', count);
}

function archivedText(count: number, trans: TranslationBundle): string {
  return count === 1
    ? trans.__('1 run was archived.')
    : trans.__('%1 runs were archived.', count);
}

/** Save a notebook under a name that is free; gives its path. */
async function save(
  app: JupyterFrontEnd,
  folder: string,
  name: string,
  content: unknown
): Promise<string> {
  const { contents } = app.serviceManager;
  const made = await contents.newUntitled({ path: folder, type: 'notebook' });
  await contents.save(made.path, {
    type: 'notebook',
    format: 'json',
    content
  });
  const plain = name.replace(/[^\p{L}\p{N}._-]+/gu, '-').slice(0, 60);
  for (let turn = 1; turn < 20; turn++) {
    const wanted = `rerun-${plain}${turn > 1 ? `-${turn}` : ''}.ipynb`;
    try {
      const moved = await contents.rename(
        made.path,
        PathExt.join(folder, wanted)
      );
      return moved.path;
    } catch {
      // The name is taken.
    }
  }
  return made.path;
}
