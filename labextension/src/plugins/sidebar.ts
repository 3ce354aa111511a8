import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIDs } from '../commands';
import { labnbIcon } from '../icons';
import { Sidebar } from '../sidebar';
import { ISidebar } from '../tokens';

const PLUGIN_ID = 'labnb:sidebar';
const FOLDED = 'labnb:folded';
const FOLDED_AT_FIRST = ['labnb-datasets', 'labnb-jobs'];

/** The door in the side bar, and the command that opens it. */
export const sidebarPlugin: JupyterFrontEndPlugin<ISidebar> = {
  id: PLUGIN_ID,
  description: 'The labnb side bar.',
  autoStart: true,
  provides: ISidebar,
  optional: [
    ITranslator,
    ICommandPalette,
    ILayoutRestorer,
    ISettingRegistry,
    IStateDB,
    ILauncher
  ],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    registry: ISettingRegistry | null,
    states: IStateDB | null,
    launcher: ILauncher | null
  ) => {
    const trans = (translator ?? nullTranslator).load('labnb');
    const sidebar = new Sidebar(trans);
    sidebar.fold(FOLDED_AT_FIRST);
    restorer?.add(sidebar, sidebar.id);
    app.shell.add(sidebar, 'left', { rank: 450, type: 'labnb' });
    if (registry) {
      void follow(app, sidebar, registry);
    }
    if (states) {
      void remember(sidebar, states);
    }
    app.commands.addCommand(CommandIDs.open, {
      label: args =>
        args.isLauncher ? trans.__('labnb') : trans.__('Open labnb'),
      caption: trans.__('Show the runs, datasets and jobs of labnb'),
      icon: labnbIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: { section: { type: 'string' } }
        }
      },
      execute: args => {
        app.shell.activateById(sidebar.id);
        if (typeof args.section === 'string') {
          sidebar.reveal(args.section);
        }
      }
    });
    palette?.addItem({ command: CommandIDs.open, category: trans.__('labnb') });
    launcher?.add({
      command: CommandIDs.open,
      args: { isLauncher: true },
      category: trans.__('Other'),
      rank: 20
    });
    return sidebar;
  }
};

/** The side that the reader chose. */
async function follow(
  app: JupyterFrontEnd,
  sidebar: Sidebar,
  registry: ISettingRegistry
): Promise<void> {
  const settings = await registry.load(PLUGIN_ID);
  let side = 'left';
  const move = (): void => {
    const wanted = settings.get('side').composite as string;
    if (wanted !== side) {
      side = wanted;
      app.shell.add(sidebar, side, { rank: 450, type: 'labnb' });
    }
  };
  settings.changed.connect(move);
  move();
}

/** Which sections are folded, from one visit to the next. */
async function remember(sidebar: Sidebar, states: IStateDB): Promise<void> {
  const known = await states.fetch(FOLDED);
  if (Array.isArray(known)) {
    sidebar.fold(known.map(String));
  }
  sidebar.foldedChanged.connect((_, folded) => {
    void states.save(FOLDED, folded);
  });
}
