/** labnb in JupyterLab: the list of its plug-ins. */

import { cardPlugin } from './plugins/card';
import { runsPlugin } from './plugins/runs';
import { sidebarPlugin } from './plugins/sidebar';

export * from './tokens';

export default [sidebarPlugin, runsPlugin, cardPlugin];
