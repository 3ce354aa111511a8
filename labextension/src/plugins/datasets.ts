import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIDs } from '../commands';
// Wanted at once: the side bar may be the first thing that is looked at.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { DatasetsModel } from '../models/datasets';
import { DatasetsPanel } from '../panels/datasets';
import { IBackend, IRuns, ISidebar } from '../tokens';

/** The section "Datasets" of the side bar. */
export const datasetsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'labnb:datasets',
  description: 'The datasets in the labnb side bar.',
  autoStart: true,
  // Runs come first, also for the keyboard and the ear, which go by the order of making.
  requires: [ISidebar, IBackend, IRuns],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    sidebar: ISidebar,
    backend: IBackend,
    runs: IRuns,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('labnb');
    const model = new DatasetsModel(() => backend.current, backend.feed);
    const open = (dataset: string): void => {
      void app.commands.execute(CommandIDs.openDataset, {
        dataset,
        project: backend.current.id
      });
    };
    sidebar.add(new DatasetsPanel(model, open, trans), 20);
    backend.projectChanged.connect(() => model.reset());
    app.contextMenu.addItem({
      command: CommandIDs.openDataset,
      selector: '.jp-labnb-dataset'
    });
    app.commands.addCommand(CommandIDs.openDataset, {
      label: trans.__('Open dataset'),
      describedBy: {
        args: {
          type: 'object',
          properties: {
            dataset: { type: 'string' },
            project: { type: 'string' }
          }
        }
      },
      isEnabled: args =>
        typeof args.dataset === 'string' || model.selection.ids.length > 0,
      execute: args =>
        app.commands.execute(CommandIDs.showDataset, {
          dataset: args.dataset ?? model.selection.ids[0],
          project: args.project ?? backend.current.id
        })
    });
  }
};
