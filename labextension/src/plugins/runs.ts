import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIDs } from '../commands';
// Wanted at once: the side bar may be the first thing that is looked at.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { RunsModel } from '../models/runs';
import { ServerModel } from '../models/server';
import { RunsPanel } from '../panels/runs';
import { ProjectChoice } from '../components/project';
import { IBackend, IRuns, ISidebar } from '../tokens';

const PLUGIN_ID = 'labnb:runs';

/** The section "Runs" of the side bar. */
export const runsPlugin: JupyterFrontEndPlugin<IRuns> = {
  id: PLUGIN_ID,
  description: 'The runs in the labnb side bar.',
  autoStart: true,
  provides: IRuns,
  requires: [ISidebar, IBackend],
  optional: [ITranslator, ISettingRegistry, INotebookTracker],
  activate: (
    app: JupyterFrontEnd,
    sidebar: ISidebar,
    backend: IBackend,
    translator: ITranslator | null,
    registry: ISettingRegistry | null,
    notebooks: INotebookTracker | null
  ) => {
    const trans = (translator ?? nullTranslator).load('labnb');
    const { commands } = app;
    const server = new ServerModel(() => backend.health());
    const model = new RunsModel(() => backend.current, backend.feed);
    const project = (): string => backend.current.id;
    const panel = new RunsPanel(
      model,
      server,
      {
        open: uid =>
          void commands.execute(CommandIDs.openRun, {
            uid,
            project: project()
          }),
        compare: () => void commands.execute(CommandIDs.compare),
        remove: () => void commands.execute(CommandIDs.remove),
        columns: () => {
          void import('../panels/runs/columns').then(async dialog => {
            const columns = await dialog.chooseColumns(
              model.keys,
              model.choices.columns,
              trans
            );
            if (columns) {
              model.choose({ columns });
            }
          });
        }
      },
      trans
    );
    sidebar.add(panel, 10);
    sidebar.header.addWidget(new ProjectChoice(backend, trans));
    backend.projectChanged.connect(() => model.reset());
    const follow = (): void => {
      const path = notebooks?.currentWidget?.context.path ?? '';
      model.notebook = path;
      if (panel.seen) {
        backend.follow(path).catch(() => {
          // The list itself says that the server does not answer.
        });
      }
    };
    panel.opened.connect(follow);
    notebooks?.currentChanged.connect(follow);
    follow();
    if (registry) {
      void keep(registry, model);
    }
    return model;
  }
};

async function keep(
  registry: ISettingRegistry,
  model: RunsModel
): Promise<void> {
  const { KeptChoices } = await import('../models/kept_choices');
  new KeptChoices(await registry.load(PLUGIN_ID), model);
}
