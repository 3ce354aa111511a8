/** Metric curves of one run or of many: over what, how smooth, and as many points as the eye can use. */

import { Signal, type ISignal } from '@lumino/signaling';
import { asProblem, type Problem } from '../api/request';
import type { Axis, ICurve, ICurves } from '../api/types';

/** From where to where on the x axis, in its own unit. */
export type Span = readonly [number, number] | null;

export interface ICurvesOptions {
  x: Axis;
  logX: boolean;
  logY: boolean;
  /** 0 is as logged; towards 1 each point is more of what came before it. */
  smoothing: number;
}

/** Asks the server: which metrics, over what, at most how many points a curve, from where to where. */
export type AskCurves = (
  names: readonly string[],
  x: Axis,
  points: number,
  span: Span
) => Promise<ICurves>;

const SYSTEM = 'system/';
/** Metrics that are drawn before more are asked for. */
const AT_FIRST = 4;

export class CurvesModel {
  /** `points` for a curve, about as many as there are pixels. */
  constructor(ask: AskCurves, points = 600) {
    this._ask = ask;
    this._points = points;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** All metrics there are, those of the machine last. */
  get names(): readonly string[] {
    return this._names;
  }

  /** The metrics that are drawn. */
  get shown(): readonly string[] {
    return this._shown ?? [];
  }

  get options(): ICurvesOptions {
    return this._options;
  }

  get problem(): Problem | null {
    return this._problem;
  }

  get ready(): boolean {
    return this._ready;
  }

  of(name: string): readonly ICurve[] {
    return this._curves.get(name) ?? [];
  }

  spanOf(name: string): Span {
    return this._spans.get(name) ?? null;
  }

  /** Ask, if that was never done. */
  need(known: readonly string[]): void {
    if (this._shown === null) {
      this._names = sorted(known);
      this._shown = this._names.slice(0, AT_FIRST);
      void this._load(this._shown);
    }
  }

  show(names: readonly string[]): void {
    const fresh = names.filter(name => !this._curves.has(name));
    this._shown = names;
    this._changed.emit();
    void this._load(fresh);
  }

  set(options: Partial<ICurvesOptions>): void {
    const before = this._options;
    this._options = { ...before, ...options };
    if (this._options.x !== before.x) {
      // Another axis has another unit: no zoom can be kept.
      this._spans.clear();
      void this._load(this.shown);
    }
    this._changed.emit();
  }

  /** Look closer at a part of a metric, or (null) at all of it again. */
  async zoom(name: string, span: Span): Promise<void> {
    if (span === null ? !this._spans.delete(name) : false) {
      return;
    }
    if (span !== null) {
      this._spans.set(name, span);
    }
    await this._load([name]);
  }

  /** There are new points. */
  async renew(known: readonly string[] = []): Promise<void> {
    if (this._shown === null) {
      return;
    }
    this._again = true;
    if (this._renewing) {
      return;
    }
    this._renewing = true;
    const all = new Set([...this._names, ...known]);
    if (all.size > this._names.length) {
      this._names = sorted([...all]);
      if (this._shown.length < AT_FIRST) {
        this._shown = this._names.slice(0, AT_FIRST);
      }
    }
    while (this._again) {
      this._again = false;
      // What is looked at closely stays as it is.
      await this._load(this.shown.filter(name => !this._spans.has(name)));
    }
    this._renewing = false;
  }

  dispose(): void {
    Signal.clearData(this);
  }

  private async _load(names: readonly string[]): Promise<void> {
    if (names.length === 0) {
      this._ready = true;
      this._changed.emit();
      return;
    }
    const turn = ++this._turn;
    const { x } = this._options;
    names.forEach(name => this._turns.set(name, turn));
    // Curves that are looked at closely are asked for one by one, the others together.
    const close = names.filter(name => this._spans.has(name));
    const whole = names.filter(name => !this._spans.has(name));
    const asks = close.map(name =>
      this._ask([name], x, this._points, this.spanOf(name))
    );
    if (whole.length > 0) {
      asks.push(this._ask(whole, x, this._points, null));
    }
    try {
      const answers = await Promise.all(asks);
      for (const name of names) {
        if (this._turns.get(name) === turn) {
          const curves = answers.flatMap(answer =>
            answer.items.filter(curve => curve.name === name)
          );
          this._curves.set(name, curves);
        }
      }
      this._problem = null;
    } catch (error) {
      this._problem = asProblem(error);
    }
    this._ready = true;
    this._changed.emit();
  }

  private readonly _ask: AskCurves;
  private readonly _points: number;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _curves = new Map<string, readonly ICurve[]>();
  private readonly _spans = new Map<string, Span>();
  private readonly _turns = new Map<string, number>();
  private _turn = 0;
  private _names: readonly string[] = [];
  private _shown: readonly string[] | null = null;
  private _options: ICurvesOptions = {
    x: 'step',
    logX: false,
    logY: false,
    smoothing: 0
  };
  private _problem: Problem | null = null;
  private _ready = false;
  private _again = false;
  private _renewing = false;
}

/** By name, the measures of the machine behind those of the experiment. */
function sorted(names: readonly string[]): string[] {
  const machine = (name: string): number => (name.startsWith(SYSTEM) ? 1 : 0);
  return [...names].sort(
    (one, other) =>
      machine(one) - machine(other) || (one < other ? -1 : one > other ? 1 : 0)
  );
}
