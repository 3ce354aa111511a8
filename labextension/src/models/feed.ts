/**
 * What the server announces, a few times a second however often it speaks.
 *
 * Events are not replayed: after a time without the server everything is to be asked for again, and the
 * feed says so. That it was away is seen by a slow question, which is also what keeps lists fresh where
 * events do not pass (a proxy without websockets).
 */

import { Poll } from '@lumino/polling';
import { Signal, type ISignal } from '@lumino/signaling';

/** The nouns of labnb's events. */
export type Noun = 'run' | 'job' | 'dataset';

/** Which of a noun changed or went; `all` says that there were too many to name. */
export interface IChanged {
  changed: Set<string>;
  gone: Set<string>;
  all: boolean;
}

/** What one event tells. */
export interface ITold {
  noun: Noun;
  project: string;
  changed: readonly string[];
  gone: readonly string[];
  all: boolean;
}

/** What was told since the last time, put together. */
export class Changes {
  /** Null where nothing of this noun changed in the project; "" is any project. */
  of(noun: Noun, project: string): IChanged | null {
    const found = this._told.get(noun);
    return found && (!project || found.has(project) || found.has(''))
      ? merge([...found.entries()], project)
      : null;
  }

  add(told: ITold): void {
    const projects = this._told.get(told.noun) ?? new Map<string, IChanged>();
    this._told.set(told.noun, projects);
    const known = projects.get(told.project) ?? nothing();
    projects.set(told.project, known);
    told.changed.forEach(id => known.changed.add(id));
    told.gone.forEach(id => known.gone.add(id));
    known.all ||= told.all;
  }

  private readonly _told = new Map<Noun, Map<string, IChanged>>();
}

/** Whether this very thing may have changed. */
export function touches(changed: IChanged | null, id: string): boolean {
  return (
    changed !== null &&
    (changed.all || changed.changed.has(id) || changed.gone.has(id))
  );
}

export interface IFeedOptions {
  /** An event as Jupyter hands it on, to what it tells; null for other people's events. */
  read(event: unknown): ITold | null;
  /** Asks the server for a sign of life: a word that changes whenever anything has. */
  ask?(): Promise<string>;
  /** Milliseconds between two changes told. */
  every?: number;
  /** Milliseconds between two questions. */
  pollEvery?: number;
}

/** Jupyter's event stream, as far as it is used here. */
export interface IEvents {
  connect(slot: (sender: unknown, event: unknown) => void): unknown;
  disconnect(slot: (sender: unknown, event: unknown) => void): unknown;
}

export class Feed {
  constructor(events: IEvents, options: IFeedOptions) {
    this._events = events;
    this._options = options;
    this._every = options.every ?? 400;
    events.connect(this._hear);
    const ask = options.ask;
    if (ask) {
      this._poll = new Poll({
        name: 'labnb:feed',
        auto: false,
        factory: () => this._ask(ask),
        frequency: {
          interval: options.pollEvery ?? 30_000,
          backoff: true,
          max: 120_000
        },
        standby: 'when-hidden'
      });
    }
  }

  /** Things changed. */
  get changed(): ISignal<this, Changes> {
    return this._changed;
  }

  /** Anything may have changed: ask again for what is shown. */
  get restored(): ISignal<this, void> {
    return this._restored;
  }

  /** Whether the server answered when it was last asked. */
  get away(): boolean {
    return this._away;
  }

  /** Begin to ask; called when something is shown for the first time. */
  start(): void {
    if (this._poll && this._poll.state.phase === 'constructed') {
      void this._poll.start();
    }
  }

  /** Something asked of the server failed, or did not: the feed learns of it at once. */
  notice(reachable: boolean): void {
    if (!reachable && !this._away) {
      this._away = true;
      void this._poll?.refresh();
    }
  }

  dispose(): void {
    this._events.disconnect(this._hear);
    this._poll?.dispose();
    window.clearTimeout(this._timer);
    Signal.clearData(this);
  }

  private readonly _hear = (sender: unknown, event: unknown): void => {
    const read = this._options.read(event);
    if (!read) {
      return;
    }
    this._heard += 1;
    this._waiting.add(read);
    if (this._timer === undefined) {
      this._timer = window.setTimeout(() => this._tell(), this._every);
    }
  };

  private _tell(): void {
    this._timer = undefined;
    const waiting = this._waiting;
    this._waiting = new Changes();
    this._changed.emit(waiting);
  }

  private async _ask(ask: () => Promise<string>): Promise<void> {
    const heard = this._heard;
    try {
      const word = await ask();
      const missed =
        this._word !== null && word !== this._word && heard === this._heardThen;
      if (this._away || missed) {
        this._away = false;
        this._restored.emit();
      }
      this._word = word;
      this._heardThen = this._heard;
    } catch (error) {
      this._away = true;
      throw error;
    }
  }

  private readonly _events: IEvents;
  private readonly _options: IFeedOptions;
  private readonly _every: number;
  private readonly _poll: Poll | null = null;
  private readonly _changed = new Signal<this, Changes>(this);
  private readonly _restored = new Signal<this, void>(this);
  private _waiting = new Changes();
  private _timer: number | undefined;
  private _away = false;
  private _word: string | null = null;
  private _heard = 0;
  private _heardThen = 0;
}

function nothing(): IChanged {
  return { changed: new Set(), gone: new Set(), all: false };
}

function merge(told: [string, IChanged][], project: string): IChanged {
  const merged = nothing();
  for (const [where, one] of told) {
    if (!project || !where || where === project) {
      one.changed.forEach(id => merged.changed.add(id));
      one.gone.forEach(id => merged.gone.add(id));
      merged.all ||= one.all;
    }
  }
  return merged;
}
