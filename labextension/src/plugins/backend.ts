import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
// Wanted at once: the side bar may be the first thing that is looked at.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { Backend } from '../api/backend';
import { IBackend } from '../tokens';

/** The server side of labnb, for the other plug-ins. */
export const backendPlugin: JupyterFrontEndPlugin<IBackend> = {
  id: 'labnb:backend',
  description: 'Speaks to the server side of labnb.',
  autoStart: true,
  provides: IBackend,
  activate: (app: JupyterFrontEnd) =>
    new Backend(app.serviceManager.serverSettings, app.serviceManager.events)
};
