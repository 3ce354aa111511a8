import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { getHealth } from '../api/health';
import { ServerModel } from '../models/server';
import { RunsPanel } from '../panels/runs';
import { ISidebar } from '../tokens';

/** The section "Runs" of the side bar. */
export const runsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'labnb:runs',
  description: 'The runs in the labnb side bar.',
  autoStart: true,
  requires: [ISidebar],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    sidebar: ISidebar,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('labnb');
    const settings = app.serviceManager.serverSettings;
    const model = new ServerModel(() => getHealth(settings));
    sidebar.add(new RunsPanel(model, trans));
  }
};
