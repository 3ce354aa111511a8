/** What the pages of the main area are given by JupyterLab. */

import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

export interface IViewContext {
  commands: CommandRegistry;
  rendermime: IRenderMimeRegistry;
  languages: IEditorLanguageRegistry | null;
  trans: TranslationBundle;
  /** Open a file by its path within a project. */
  openFile(project: string, path: string): void;
}
