/** The door: one tab in the side bar, with a section for each panel. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { SidePanel } from '@jupyterlab/ui-components';
import type { Widget } from '@lumino/widgets';
import { labnbIcon } from './icons';
import type { ISidebar } from './tokens';

export const SIDEBAR_ID = 'labnb-sidebar';

export class Sidebar extends SidePanel implements ISidebar {
  constructor(trans: TranslationBundle) {
    super();
    this.id = SIDEBAR_ID;
    this.addClass('jp-labnb-sidebar');
    this.title.icon = labnbIcon;
    this.title.caption = trans.__('labnb');
    this.node.setAttribute('aria-label', trans.__('labnb'));
  }

  add(panel: Widget): void {
    this.addWidget(panel);
  }
}
