import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
// A renderer is made synchronously, hence its code is here at start; it is a few kilobytes.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { runCardFactory, type ICardOptions } from '../mime/card';

const PLUGIN_ID = 'labnb:card';

/** The card of a run, in the output of its cell. */
export const cardPlugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Shows a recorded run below its cell.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [ITranslator, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    translator: ITranslator | null,
    registry: ISettingRegistry | null
  ) => {
    const trans = (translator ?? nullTranslator).load('labnb');
    const options: ICardOptions = { itemsShown: 8 };
    rendermime.addFactory(runCardFactory(trans, options), 0);
    if (registry) {
      void follow(registry, options);
    }
  }
};

async function follow(
  registry: ISettingRegistry,
  options: ICardOptions
): Promise<void> {
  const settings = await registry.load(PLUGIN_ID);
  const read = () => {
    options.itemsShown = settings.get('itemsShown').composite as number;
  };
  settings.changed.connect(read);
  read();
}
