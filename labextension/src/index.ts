/** labnb in JupyterLab: the list of its plug-ins. */

import { backendPlugin } from './plugins/backend';
import { cardPlugin } from './plugins/card';
import { datasetsPlugin } from './plugins/datasets';
import { jobsPlugin } from './plugins/jobs';
import { notebookPlugin } from './plugins/notebook';
import { runCommandsPlugin } from './plugins/run_commands';
import { runsPlugin } from './plugins/runs';
import { sidebarPlugin } from './plugins/sidebar';
import { viewsPlugin } from './plugins/views';

export * from './tokens';

export default [
  backendPlugin,
  sidebarPlugin,
  runsPlugin,
  datasetsPlugin,
  jobsPlugin,
  runCommandsPlugin,
  viewsPlugin,
  notebookPlugin,
  cardPlugin
];
