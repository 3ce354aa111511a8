/** What labnb offers to other extensions, and to its own plug-ins. */

import { Token } from '@lumino/coreutils';
import type { Widget } from '@lumino/widgets';

/** The door in the side bar; a panel put into it is one section of it. */
export interface ISidebar {
  add(panel: Widget): void;
}

export const ISidebar = new Token<ISidebar>(
  'labnb:ISidebar',
  'The labnb side bar: add a panel to it.'
);
