/** Says at a recorded cell that its last run no longer matches its code or its data. */

import type { CodeCell } from '@jupyterlab/cells';
import { NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Debouncer } from '@lumino/polling';
import type { ICellState } from '../api/types';
import { bare, hasLine } from './line';

/** Milliseconds of rest after a keystroke. */
const REST = 400;
const CLASS = 'jp-labnb-stale';

/** The recorded cells of a notebook, from the server. */
export type AskCells = (path: string) => Promise<ICellState[]>;

export class StaleMarks {
  constructor(panel: NotebookPanel, ask: AskCells, trans: TranslationBundle) {
    this._panel = panel;
    this._ask = ask;
    this._trans = trans;
    this._asking = new Debouncer(() => this._read(), REST);
    this._drawing = new Debouncer(() => this._draw(), REST);
    void panel.context.ready.then(() => {
      panel.content.model?.contentChanged.connect(this._changed, this);
      void this.renew();
    });
    NotebookActions.executed.connect(this._executed, this);
    panel.disposed.connect(() => this.dispose());
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  /** Ask the server again. */
  async renew(): Promise<void> {
    if (!this._disposed) {
      await this._asking.invoke();
    }
  }

  dispose(): void {
    if (this._disposed) {
      return;
    }
    this._disposed = true;
    NotebookActions.executed.disconnect(this._executed, this);
    this._asking.dispose();
    this._drawing.dispose();
  }

  private _changed(): void {
    if (!this._disposed && this._states.size > 0) {
      void this._drawing.invoke();
    }
  }

  private _executed(
    _: unknown,
    told: { notebook: NotebookPanel['content'] }
  ): void {
    if (told.notebook === this._panel.content) {
      void this.renew();
    }
  }

  private async _read(): Promise<void> {
    const cells = this._panel.content.widgets;
    // A notebook without a recorded cell asks nothing of the server.
    if (!cells.some(cell => hasLine(cell.model.sharedModel.getSource()))) {
      return;
    }
    try {
      const states = await this._ask(this._panel.context.path);
      this._states = new Map(states.map(state => [state.cell_id, state]));
    } catch {
      // No mark is better than a wrong one.
      this._states = new Map();
    }
    this._draw();
  }

  private _draw(): void {
    if (this._disposed || this._panel.isDisposed) {
      return;
    }
    for (const cell of this._panel.content.widgets) {
      const state = this._states.get(cell.model.id);
      const why = state ? this._why(cell as CodeCell, state) : '';
      let mark = cell.node.querySelector<HTMLElement>(`:scope > .${CLASS}`);
      if (!why) {
        mark?.remove();
        continue;
      }
      if (!mark) {
        mark = document.createElement('div');
        mark.className = CLASS;
        mark.setAttribute('role', 'note');
        cell.node.append(mark);
      }
      if (mark.textContent !== why) {
        mark.textContent = why;
        mark.title = state!.changed.join('\n');
      }
    }
  }

  private _why(cell: CodeCell, state: ICellState): string {
    const trans = this._trans;
    const source = cell.model.sharedModel.getSource();
    if (!hasLine(source)) {
      return '';
    }
    if (bare(source) !== bare(state.source)) {
      return trans.__('changed since its last run');
    }
    if (state.data === 'changed') {
      const [first] = state.changed;
      return first
        ? trans.__('its data changed since its last run: %1', first)
        : trans.__('its data changed since its last run');
    }
    return '';
  }

  private readonly _panel: NotebookPanel;
  private readonly _ask: AskCells;
  private readonly _trans: TranslationBundle;
  private readonly _asking: Debouncer;
  private readonly _drawing: Debouncer;
  private _states = new Map<string, ICellState>();
  private _disposed = false;
}
