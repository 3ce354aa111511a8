import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  ICommandPalette,
  Notification,
  IToolbarWidgetRegistry
} from '@jupyterlab/apputils';
import { INotebookTracker, NotebookActions } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandToolbarButton } from '@jupyterlab/ui-components';
import { asProblem } from '../api/request';
import { CommandIDs } from '../commands';
import { labnbIcon } from '../icons';
import { record, submit } from '../notebook/line';
// A listener of every notebook, hence here at start.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { StaleMarks } from '../notebook/stale';
import { IBackend } from '../tokens';

const PLUGIN_ID = 'labnb:notebook';

/** In the notebook: a cell becomes a run, here or on a target, and says when its last run is out of date. */
export const notebookPlugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description:
    'Records cells as runs, sends them to targets, marks stale ones.',
  autoStart: true,
  requires: [IBackend, INotebookTracker],
  optional: [ITranslator, ICommandPalette, IToolbarWidgetRegistry],
  activate: (
    app: JupyterFrontEnd,
    backend: IBackend,
    notebooks: INotebookTracker,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    toolbar: IToolbarWidgetRegistry | null
  ) => {
    const trans = (translator ?? nullTranslator).load('labnb');
    const { commands } = app;

    const enabled = (): boolean =>
      notebooks.currentWidget !== null &&
      notebooks.activeCell?.model.type === 'code';

    /** Change the active cell and run it; the extension is loaded first where it is not. */
    const run = async (change: (source: string) => string): Promise<void> => {
      const panel = notebooks.currentWidget;
      const cell = notebooks.activeCell;
      if (!panel || !cell) {
        return;
      }
      const { sharedModel } = cell.model;
      const source = sharedModel.getSource();
      const changed = change(source);
      if (changed !== source) {
        sharedModel.setSource(changed);
      }
      const { sessionContext } = panel;
      const kernel = sessionContext.session?.kernel;
      if (kernel) {
        const language = (await kernel.info).language_info.name;
        if (language !== 'python') {
          Notification.error(
            trans.__('labnb records cells of Python, not of %1.', language)
          );
          return;
        }
        // Loading it twice does nothing.
        await kernel.requestExecute({
          code: LOAD,
          silent: true,
          store_history: false
        }).done;
      }
      await NotebookActions.run(panel.content, sessionContext);
    };

    const describedBy = {
      args: {
        type: 'object',
        properties: { toolbar: { type: 'boolean' } }
      }
    } as const;
    commands.addCommand(CommandIDs.recordCell, {
      label: args =>
        args.toolbar ? '' : trans.__('Record this cell as a run'),
      caption: trans.__('Record this cell as a run'),
      icon: args => (args.toolbar ? labnbIcon : undefined),
      describedBy,
      isEnabled: enabled,
      execute: () => run(record)
    });
    commands.addCommand(CommandIDs.runOnTarget, {
      label: trans.__('Run on target…'),
      caption: trans.__('Send this cell to a target of labnb.toml'),
      describedBy,
      isEnabled: enabled,
      execute: async () => {
        const path = notebooks.currentWidget?.context.path ?? '';
        try {
          const project = await backend.projectOf(path);
          const [{ askSubmission }, targets] = await Promise.all([
            import('../notebook/form'),
            project.jobs.targets()
          ]);
          const asked = await askSubmission(
            targets.items,
            targets.message,
            trans
          );
          if (asked) {
            await run(source => submit(source, asked));
          }
        } catch (error) {
          const problem = asProblem(error);
          Notification.error(`${problem.message} ${problem.hint}`.trim());
        }
      }
    });
    for (const command of [CommandIDs.recordCell, CommandIDs.runOnTarget]) {
      palette?.addItem({ command, category: trans.__('labnb') });
      app.contextMenu.addItem({
        command,
        selector: '.jp-Notebook .jp-CodeCell',
        rank: 30
      });
    }
    toolbar?.addFactory('Notebook', 'labnb-record', () => {
      const button = new CommandToolbarButton({
        commands,
        id: CommandIDs.recordCell,
        args: { toolbar: true }
      });
      button.addClass('jp-labnb-record');
      return button;
    });
    notebooks.activeCellChanged.connect(() => {
      commands.notifyCommandChanged(CommandIDs.recordCell);
      commands.notifyCommandChanged(CommandIDs.runOnTarget);
    });

    const marks = new Set<StaleMarks>();
    notebooks.widgetAdded.connect((_, panel) => {
      const mark = new StaleMarks(
        panel,
        async path => {
          backend.feed.start();
          return (await backend.projectOf(path)).runs.cells(path);
        },
        trans
      );
      marks.add(mark);
      panel.disposed.connect(() => marks.delete(mark));
    });
    // A run that ends elsewhere, or data that change, may make a mark come or go.
    backend.feed.changed.connect((_, changes) => {
      if (changes.of('run', '') || changes.of('dataset', '')) {
        marks.forEach(mark => void mark.renew());
      }
    });
  }
};

const LOAD =
  "get_ipython().run_line_magic('load_ext', 'labnb') if 'labnb' not in get_ipython().extension_manager.loaded else None";
