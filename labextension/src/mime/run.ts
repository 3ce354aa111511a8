/** What a run card knows: the run as labnb writes it into a cell's output. */

export const RUN_MIME = 'application/vnd.labnb.run+json';

const STATUSES = [
  'SCHEDULED',
  'RUNNING',
  'FINISHED',
  'FAILED',
  'KILLED'
] as const;

export type RunStatus = (typeof STATUSES)[number] | 'UNKNOWN';

export interface IDataFile {
  path: string;
  dataset: string | null;
  version: string | null;
  size: number | null;
}

export interface ICode {
  /** Empty before the first commit. */
  commit: string;
  branch: string;
  dirty: boolean;
}

export interface INote {
  message: string;
  hint: string;
}

export interface IRun {
  uid: string;
  name: string;
  status: RunStatus;
  /** Milliseconds since the epoch. */
  started: number | null;
  ended: number | null;
  /** When this was written; older than a moment and RUNNING means: do not claim that it still runs. */
  asOf: number | null;
  /** Seconds. */
  elapsed: number | null;
  metrics: [string, string][];
  params: [string, string][];
  inputs: IDataFile[];
  outputs: IDataFile[];
  /** Null where nothing is known of the code, as while a cell still runs. */
  code: ICode | null;
  notes: INote[];
}

/** Measures of the machine, not of the experiment; for the run's page, not for its card. */
const SYSTEM = 'system/';

type Fields = Record<string, unknown>;

/** A run from JSON of any labnb, also a later one: what is missing or strange is left out, never thrown. */
export function readRun(data: unknown): IRun {
  const fields = asFields(data);
  const started = readTime(fields.started);
  const ended = readTime(fields.ended);
  const told = readNumber(fields.elapsed);
  const elapsed =
    told ??
    (started !== null && ended !== null ? (ended - started) / 1000 : null);
  const written =
    started !== null && elapsed !== null ? started + elapsed * 1000 : null;
  return {
    uid: readText(fields.uid),
    name: readText(fields.name) || readText(fields.uid),
    status: STATUSES.find(known => known === fields.status) ?? 'UNKNOWN',
    started,
    ended,
    asOf: readTime(fields.as_of) ?? written,
    elapsed,
    metrics: readPairs(fields.metrics).filter(
      ([name]) => !name.startsWith(SYSTEM)
    ),
    params: readPairs(fields.params),
    inputs: readList(fields.inputs).map(readFile),
    outputs: readList(fields.outputs).map(readFile),
    code: readCode(asFields(fields.code)),
    notes: readList(fields.notes).map(readNote)
  };
}

/** A number as people read it: no more digits than they compare. */
export function showValue(value: unknown): string {
  if (typeof value !== 'number') {
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  }
  if (!Number.isFinite(value) || Number.isInteger(value)) {
    return String(value);
  }
  return String(Number(value.toPrecision(6)));
}

function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : {};
}

function readText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function readNumber(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function readTime(value: unknown): number | null {
  if (typeof value === 'number' && Number.isFinite(value)) {
    return value < 1e11 ? value * 1000 : value;
  }
  const time = Date.parse(readText(value));
  return Number.isNaN(time) ? null : time;
}

function readList(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(asFields) : [];
}

function readPairs(value: unknown): [string, string][] {
  return Object.entries(asFields(value)).map(([name, one]) => [
    name,
    showValue(one)
  ]);
}

function readCode(fields: Fields): ICode | null {
  if (Object.keys(fields).length === 0) {
    return null;
  }
  return {
    commit: readText(fields.commit),
    branch: readText(fields.branch),
    dirty: fields.dirty === true
  };
}

function readFile(fields: Fields): IDataFile {
  return {
    path: readText(fields.path),
    dataset: readText(fields.dataset) || null,
    version: readText(fields.version) || null,
    size: readNumber(fields.size)
  };
}

function readNote(fields: Fields): INote {
  return { message: readText(fields.message), hint: readText(fields.hint) };
}
