import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIDs } from '../commands';
import { labnbIcon } from '../icons';
import { Sidebar } from '../sidebar';
import { ISidebar } from '../tokens';

/** The door in the side bar, and the command that opens it. */
export const sidebarPlugin: JupyterFrontEndPlugin<ISidebar> = {
  id: 'labnb:sidebar',
  description: 'The labnb side bar.',
  autoStart: true,
  provides: ISidebar,
  optional: [ITranslator, ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    const trans = (translator ?? nullTranslator).load('labnb');
    const sidebar = new Sidebar(trans);
    app.shell.add(sidebar, 'left', { rank: 450, type: 'labnb' });
    restorer?.add(sidebar, sidebar.id);
    app.commands.addCommand(CommandIDs.open, {
      label: trans.__('Open labnb'),
      caption: trans.__('Show the labnb side bar'),
      icon: labnbIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => app.shell.activateById(sidebar.id)
    });
    palette?.addItem({ command: CommandIDs.open, category: trans.__('labnb') });
    return sidebar;
  }
};
