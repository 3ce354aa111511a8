/** A run's card in the output of its cell; needs no kernel, and stays true in a saved notebook. */

import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import { Clock } from './clock';
import { element } from './dom';
import { isStale, showDuration } from './elapsed';
import { rows } from './rows';
import { readRun, RUN_MIME, type IRun } from './run';
import { statusName, statusSign } from './status';

/** What a reader may set; read again whenever a card is drawn. */
export interface ICardOptions {
  itemsShown: number;
}

export class RunCard extends Widget implements IRenderMime.IRenderer {
  constructor(trans: TranslationBundle, options: ICardOptions) {
    super();
    this._trans = trans;
    this._options = options;
    this.addClass('jp-labnb-card');
    this.node.setAttribute('role', 'group');
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const run = readRun(model.data[RUN_MIME]);
    // A card that changes under our eyes is alive, whatever the two machines' clocks say.
    const alive = this._asOf !== null && run.asOf !== this._asOf;
    this._asOf = run.asOf;
    this._clock?.dispose();
    this._clock = null;
    this._draw(run, !alive && isStale(run, Date.now()));
    return Promise.resolve();
  }

  override dispose(): void {
    this._clock?.dispose();
    super.dispose();
  }

  private _draw(run: IRun, stale: boolean): void {
    const status = statusName(run.status, this._trans);
    const sign = element('span', 'sign', statusSign(run.status));
    sign.setAttribute('aria-hidden', 'true');
    const time = element('span', 'time');
    const uid = element('code', 'uid', run.uid.slice(0, 8));
    uid.title = run.uid;
    const head = element(
      'div',
      'head',
      sign,
      element('span', 'title', run.name),
      element('span', 'status', status),
      time,
      uid
    );
    this.node.dataset.status = stale ? 'UNKNOWN' : run.status;
    this.node.setAttribute(
      'aria-label',
      this._trans.__('Run %1: %2', run.name, status)
    );
    this.node.replaceChildren(
      head,
      ...rows(run, this._options.itemsShown, this._trans)
    );
    if (stale && run.asOf !== null) {
      const when = new Date(run.asOf).toLocaleString();
      time.textContent = this._trans.__('as of %1', when);
    } else if (run.status === 'RUNNING') {
      this._tick(run, time);
    } else if (run.elapsed !== null) {
      time.textContent = showDuration(run.elapsed);
    }
  }

  /** Counts on from what the kernel said, so that the browser's clock need not agree with it. */
  private _tick(run: IRun, time: HTMLElement): void {
    const drawn = performance.now();
    const told = run.elapsed ?? 0;
    const show = () => {
      const since = (performance.now() - drawn) / 1000;
      time.textContent = showDuration(told + since);
    };
    show();
    this._clock = new Clock(show);
  }

  private readonly _trans: TranslationBundle;
  private readonly _options: ICardOptions;
  private _asOf: number | null = null;
  private _clock: Clock | null = null;
}

/** Safe: also drawn in notebooks that are not trusted, because it makes text and nothing else. */
export function runCardFactory(
  trans: TranslationBundle,
  options: ICardOptions
): IRenderMime.IRendererFactory {
  return {
    safe: true,
    mimeTypes: [RUN_MIME],
    createRenderer: () => new RunCard(trans, options)
  };
}
