/** The server side of labnb as the rest of the front end knows it. */

import type { Event, ServerConnection } from '@jupyterlab/services';
import { Signal, type ISignal } from '@lumino/signaling';
import { Feed } from '../models/feed';
import { ComparisonsApi } from './comparisons';
import { DatasetsApi } from './datasets';
import { readEvent } from './events';
import { getHealth, getProjects } from './health';
import { JobsApi } from './jobs';
import type { IPlace } from './request';
import { RunsApi } from './runs';
import type { IHealth, IProject } from './types';

/** What can be asked about one project. */
export class ProjectApi {
  constructor(place: IPlace, user: () => Promise<string>) {
    this.id = place.project;
    this.runs = new RunsApi(place, user);
    this.datasets = new DatasetsApi(place);
    this.jobs = new JobsApi(place);
    this.comparisons = new ComparisonsApi(place);
  }

  readonly id: string;
  readonly runs: RunsApi;
  readonly datasets: DatasetsApi;
  readonly jobs: JobsApi;
  readonly comparisons: ComparisonsApi;
}

export class Backend {
  constructor(settings: ServerConnection.ISettings, events: Event.IManager) {
    this._settings = settings;
    this.feed = new Feed(events.stream, {
      read: readEvent,
      ask: async () => word(await this.health())
    });
  }

  readonly feed: Feed;

  /** The project in front; the side bar lists its runs, datasets and jobs. */
  get current(): ProjectApi {
    return this.of(this._project);
  }

  get projects(): readonly IProject[] {
    return this._projects;
  }

  /** There are others to choose from. */
  get projectsChanged(): ISignal<this, void> {
    return this._projectsChanged;
  }

  /** Another project is in front. */
  get projectChanged(): ISignal<this, void> {
    return this._projectChanged;
  }

  of(project: string): ProjectApi {
    let found = this._apis.get(project);
    if (!found) {
      const place = { settings: this._settings, project };
      found = new ProjectApi(place, async () => (await this.who()).user);
      this._apis.set(project, found);
    }
    return found;
  }

  health(): Promise<IHealth> {
    // Several want it at once when the side bar opens.
    if (!this._asking) {
      const asked = getHealth({ settings: this._settings, project: '' });
      this._asking = this._health = asked;
      asked.then(
        () => (this._asking = null),
        () => (this._asking = this._health = null)
      );
    }
    return this._asking;
  }

  /** What the server last said of itself. */
  who(): Promise<IHealth> {
    return this._health ?? this.health();
  }

  /** Put a project in front, by its id. */
  choose(project: string): void {
    if (project !== this._project) {
      this._project = project;
      this._projectChanged.emit();
      this._projectsChanged.emit();
    }
  }

  /** Put the project of a notebook in front ("": of the server's folder). */
  async follow(notebook: string): Promise<void> {
    const place = { settings: this._settings, project: '' };
    const found = await getProjects(place, notebook);
    const current = found.find(one => one.current)?.id ?? '';
    const unnamed = this._project === '';
    const known = this._projects.map(one => one.id).join();
    this._projects = found;
    if (unnamed && current === (await this.who()).project) {
      // The same project, known by its name now: nothing has to be asked again.
      this._project = current;
    } else {
      this.choose(current);
    }
    if (known !== found.map(one => one.id).join()) {
      this._projectsChanged.emit();
    }
  }

  /** The project of a notebook, whichever is in front. */
  async projectOf(notebook: string): Promise<ProjectApi> {
    let found = this._notebooks.get(notebook);
    if (found === undefined) {
      const place = { settings: this._settings, project: '' };
      const projects = await getProjects(place, notebook);
      found = projects.find(one => one.current)?.id ?? '';
      this._notebooks.set(notebook, found);
    }
    return this.of(found);
  }

  /** The path by which Jupyter knows a file of a project. */
  pathOf(project: string, file: string): string {
    const found = this._projects.find(one => one.id === project);
    const folder = found?.path ?? '.';
    return file.startsWith('/') || folder === '.' || folder.startsWith('..')
      ? file
      : `${folder}/${file}`;
  }

  private readonly _settings: ServerConnection.ISettings;
  private readonly _notebooks = new Map<string, string>();
  private readonly _apis = new Map<string, ProjectApi>();
  private readonly _projectChanged = new Signal<this, void>(this);
  private readonly _projectsChanged = new Signal<this, void>(this);
  private _project = '';
  private _projects: IProject[] = [];
  private _asking: Promise<IHealth> | null = null;
  private _health: Promise<IHealth> | null = null;
}

/** Changes whenever anything was recorded. */
function word(health: IHealth): string {
  const { freshness } = health;
  return JSON.stringify([freshness.since, freshness.state]);
}
