/** The door: one tab in the side bar, with a section for each panel. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { SidePanel } from '@jupyterlab/ui-components';
import { Signal, type ISignal } from '@lumino/signaling';
import type { AccordionPanel, Widget } from '@lumino/widgets';
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
    this.node.setAttribute('role', 'region');
    this._accordion.expansionToggled.connect(() => {
      this._share();
      this._folded.emit(this.folded);
    });
  }

  /** The sections that are folded, by their ids; told whenever one is folded or unfolded. */
  get foldedChanged(): ISignal<this, string[]> {
    return this._folded;
  }

  get folded(): string[] {
    return this.widgets.filter(one => one.isHidden).map(one => one.id);
  }

  /** Fold these sections and unfold the others. */
  fold(ids: readonly string[]): void {
    this._wanted = ids;
    this.widgets.forEach((one, index) => {
      if (ids.includes(one.id)) {
        this._accordion.collapse(index);
      } else {
        this._accordion.expand(index);
      }
    });
  }

  /** Put in a section; the lower its rank, the higher it stands. */
  add(panel: Widget, rank = 100): void {
    const ranks = this.widgets.map(one => this._ranks.get(one) ?? 100);
    const after = ranks.findIndex(one => one > rank);
    const index = after < 0 ? ranks.length : after;
    this._ranks.set(panel, rank);
    this.insertWidget(index, panel);
    if (this._wanted.includes(panel.id)) {
      this._accordion.collapse(index);
    }
  }

  /** Unfold a section. */
  reveal(id: string): void {
    const index = this.widgets.findIndex(one => one.id === id);
    if (this.widgets[index]?.isHidden) {
      this._accordion.expand(index);
      this._share();
    }
  }

  /** A section that was never open has no height of its own: the open ones share what there is, the first most. */
  private _share(): void {
    const open = this.widgets.filter(one => !one.isHidden);
    this._accordion.setRelativeSizes(
      this.widgets.map(one =>
        one.isHidden ? 0 : one === open[0] && open.length > 1 ? 1.6 : 1
      )
    );
  }

  private get _accordion(): AccordionPanel {
    return this.content as AccordionPanel;
  }

  private readonly _folded = new Signal<this, string[]>(this);
  private readonly _ranks = new Map<Widget, number>();
  private _wanted: readonly string[] = [];
}
