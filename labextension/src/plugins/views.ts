import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  ICommandPalette,
  MainAreaWidget,
  WidgetTracker
} from '@jupyterlab/apputils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { SplitPanel, type Widget } from '@lumino/widgets';
import { CommandIDs } from '../commands';
import { labnbIcon } from '../icons';
import { IBackend, IRuns } from '../tokens';
import type { IViewContext } from '../views/context';

type Args = ReadonlyPartialJSONObject;

/** Two to fifty runs make a comparison. */
const LEAST = 2;
const MOST = 50;
/** Of the height of Notebook 7. */
const LEAST_BELOW = 0.2;

/** The pages of the main area; their code is fetched when the first of its kind is opened. */
export const viewsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'labnb:views',
  description: 'Runs, datasets, jobs and comparisons in the main area.',
  autoStart: true,
  requires: [IBackend, IRuns, IRenderMimeRegistry],
  optional: [
    ITranslator,
    ICommandPalette,
    ILayoutRestorer,
    IEditorLanguageRegistry
  ],
  activate: (
    app: JupyterFrontEnd,
    backend: IBackend,
    runs: IRuns,
    rendermime: IRenderMimeRegistry,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    languages: IEditorLanguageRegistry | null
  ) => {
    const trans = (translator ?? nullTranslator).load('labnb');
    const { commands, shell } = app;
    const context: IViewContext = {
      commands,
      rendermime,
      languages,
      trans,
      openFile: (project, file) => {
        const path = backend.pathOf(project, file);
        void commands.execute('docmanager:open', { path });
      }
    };
    const at = (args: Args): string =>
      typeof args.project === 'string' ? args.project : backend.current.id;

    /** A kind of page: its tracker, and how one is shown that is there already. */
    const kind = (
      name: string,
      command: string,
      make: (args: Args) => Promise<Widget>
    ): ((args: Args) => Promise<void>) => {
      const tracker = new WidgetTracker<MainAreaWidget>({
        namespace: `labnb-${name}`
      });
      const given = new WeakMap<Widget, Args>();
      void restorer?.restore(tracker, {
        command,
        args: widget => given.get(widget) ?? {},
        name: widget => widget.id
      });
      return async args => {
        const id = `labnb-${name}-${key(args)}`;
        if (!tracker.find(one => one.id === id)) {
          const content = await make(args);
          if (tracker.find(one => one.id === id)) {
            // Asked for twice while its code was on the way.
            content.dispose();
          } else {
            const widget = framed(content, id);
            given.set(widget, args);
            void tracker.add(widget);
            shell.add(widget, 'main', { type: 'labnb' });
            if (!widget.isAttached) {
              // Notebook 7 keeps its main area for the notebook.
              shell.add(widget, 'down', { type: 'labnb' });
              makeRoom(widget);
            }
          }
        }
        shell.activateById(id);
      };
    };

    const showRun = kind('run', CommandIDs.openRun, async args => {
      const [{ RunView }, { RunModel }] = await Promise.all([
        import('../views/run'),
        import('../models/run')
      ]);
      const api = backend.of(String(args.project));
      const uid = String(args.uid);
      const view = new RunView(new RunModel(api, backend.feed, uid), context);
      view.title.label = uid.slice(0, 8);
      return view;
    });
    const showDataset = kind('dataset', CommandIDs.showDataset, async args => {
      const [{ DatasetView }, { DatasetModel }] = await Promise.all([
        import('../views/dataset'),
        import('../models/dataset')
      ]);
      const api = backend.of(String(args.project));
      const id = String(args.dataset);
      const model = new DatasetModel(api, backend.feed, id);
      const view = new DatasetView(model, context);
      view.title.label = trans.__('Dataset');
      return view;
    });
    const showJob = kind('job', CommandIDs.showJob, async args => {
      const [{ JobView }, { JobModel }] = await Promise.all([
        import('../views/job'),
        import('../models/job')
      ]);
      const api = backend.of(String(args.project));
      const id = String(args.job);
      const view = new JobView(new JobModel(api, backend.feed, id), context);
      view.title.label = id.slice(0, 8);
      return view;
    });
    const showComparison = kind(
      'comparison',
      CommandIDs.compare,
      async args => {
        const [{ ComparisonView }, { ComparisonModel }] = await Promise.all([
          import('../views/comparison'),
          import('../models/comparison')
        ]);
        const api = backend.of(String(args.project));
        const model = new ComparisonModel(api, backend.feed, uidsOf(args));
        return new ComparisonView(model, context);
      }
    );

    const uids = (args: Args): string[] => {
      const told = uidsOf(args);
      return told.length > 0 ? told : [...runs.selection.ids];
    };
    commands.addCommand(CommandIDs.openRun, {
      label: trans.__('Open run'),
      icon: labnbIcon,
      describedBy: { args: ARGS },
      isEnabled: args => uids(args).length > 0,
      execute: async args => {
        for (const uid of uids(args)) {
          await showRun({ uid, project: at(args) });
        }
      }
    });
    commands.addCommand(CommandIDs.compare, {
      label: trans.__('Compare runs'),
      icon: labnbIcon,
      describedBy: { args: ARGS },
      isEnabled: args => {
        const count = uids(args).length;
        return count >= LEAST && count <= MOST;
      },
      execute: args => showComparison({ uids: uids(args), project: at(args) })
    });
    commands.addCommand(CommandIDs.showDataset, {
      label: trans.__('Show dataset'),
      describedBy: { args: ARGS },
      isVisible: () => false,
      execute: args => showDataset({ dataset: args.dataset, project: at(args) })
    });
    commands.addCommand(CommandIDs.showJob, {
      label: trans.__('Show job'),
      describedBy: { args: ARGS },
      isVisible: () => false,
      execute: args => showJob({ job: args.job, project: at(args) })
    });
    for (const command of [CommandIDs.openRun, CommandIDs.compare]) {
      palette?.addItem({ command, category: trans.__('labnb') });
    }
  }
};

const ARGS = {
  type: 'object',
  properties: {
    uid: { type: 'string' },
    uids: { type: 'array', items: { type: 'string' } },
    dataset: { type: 'string' },
    job: { type: 'string' },
    project: { type: 'string' }
  }
} as const;

function framed(content: Widget, id: string): MainAreaWidget {
  const widget = new MainAreaWidget({ content });
  widget.id = id;
  content.title.icon = labnbIcon;
  content.title.closable = true;
  return widget;
}

/** Notebook 7 opens the area below the notebook as a mere strip: the page gets its half, once; the reader moves the border. */
function makeRoom(page: Widget): void {
  let below: Widget | null = page;
  while (below && !(below.parent instanceof SplitPanel)) {
    below = below.parent;
  }
  if (below?.parent instanceof SplitPanel) {
    const split = below.parent;
    const share = split.relativeSizes()[split.widgets.indexOf(below)] ?? 0;
    if (share < LEAST_BELOW) {
      split.setRelativeSizes(split.widgets.map(() => 1));
    }
  }
}

function uidsOf(args: Args): string[] {
  return Array.isArray(args.uids)
    ? args.uids.map(String)
    : typeof args.uid === 'string'
      ? [args.uid]
      : [];
}

/** The part of a page's id that tells it from others of its kind. */
function key(args: Args): string {
  return JSON.stringify(args).replace(/[^\w]+/g, '-');
}
