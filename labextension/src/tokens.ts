/** What labnb offers to other extensions, and to its own plug-ins. */

import { Token } from '@lumino/coreutils';
import type { Panel, Widget } from '@lumino/widgets';
import type { Backend } from './api/backend';
import type { JobsModel } from './models/jobs';
import type { RunsModel } from './models/runs';

/** The door in the side bar; a panel put into it is one section of it. */
export interface ISidebar {
  add(panel: Widget, rank?: number): void;
  /** What stands above the sections. */
  readonly header: Panel;
}

export const ISidebar = new Token<ISidebar>(
  'labnb:ISidebar',
  'The labnb side bar: add a panel to it.'
);

/** The server side of labnb: what it knows, and what it announces. */
export type IBackend = Backend;

export const IBackend = new Token<IBackend>(
  'labnb:IBackend',
  'The server side of labnb: runs, datasets, jobs, and what changes.'
);

/** The runs of the project in front, as the side bar lists them. */
export type IRuns = RunsModel;

export const IRuns = new Token<IRuns>(
  'labnb:IRuns',
  'The runs that the labnb side bar lists, and which of them are chosen.'
);

/** The jobs of the project in front. */
export type IJobs = JobsModel;

export const IJobs = new Token<IJobs>(
  'labnb:IJobs',
  'The jobs that the labnb side bar lists.'
);
