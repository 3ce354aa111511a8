/** The `%%labrun` line of a cell: put in, changed, found. Text only. */

const MAGIC = '%%labrun';

/** What "Run on target…" asks. Empty text leaves it to the target. */
export interface ISubmission {
  target: string;
  name: string;
  cpus: string;
  gpus: string;
  memory: string;
  time: string;
  out: string;
}

/** Whether the cell is recorded. The line may stand below other cell magics. */
export function hasLine(source: string): boolean {
  return lineAt(source.split('\n')) >= 0;
}

/** The cell with the line that records it. */
export function record(source: string): string {
  return hasLine(source) ? source : `${MAGIC}\n${source}`;
}

/** The cell with a line that sends it to a target; other options of the line that is there stay. */
export function submit(source: string, asked: ISubmission): string {
  const lines = source.split('\n');
  const at = lineAt(lines);
  const known = at < 0 ? '' : lines[at]!.trim().slice(MAGIC.length);
  const kept = words(known).filter((word, index, all) => {
    const [option] = word.split('=', 1);
    const before = all[index - 1] ?? '';
    return !OURS.includes(option!) && !OURS.includes(before);
  });
  const named = kept[0] !== undefined && !kept[0].startsWith('-');
  if (asked.name) {
    kept.splice(0, named ? 1 : 0, quote(asked.name));
  }
  const options: [string, string][] = [
    ['--on', asked.target],
    ['--cpus', asked.cpus],
    ['--gpus', asked.gpus],
    ['--memory', asked.memory],
    ['--time', asked.time],
    ['--out', asked.out]
  ];
  const line = [
    MAGIC,
    ...kept,
    ...options
      .filter(([, value]) => value.trim())
      .map(([option, value]) => `${option} ${quote(value.trim())}`)
  ].join(' ');
  if (at < 0) {
    return `${line}\n${source}`;
  }
  lines[at] = line;
  return lines.join('\n');
}

/** The text without the line, as a run keeps it: two cells are the same where this is. */
export function bare(source: string): string {
  const lines = source.split('\n');
  const at = lineAt(lines);
  if (at >= 0) {
    lines.splice(at, 1);
  }
  return lines.join('\n').trim();
}

const OURS = ['--on', '--cpus', '--gpus', '--memory', '--time', '--out'];

function lineAt(lines: readonly string[]): number {
  for (const [index, line] of lines.entries()) {
    const text = line.trim();
    if (text === MAGIC || text.startsWith(`${MAGIC} `)) {
      return index;
    }
    if (text && !text.startsWith('%%')) {
      return -1;
    }
  }
  return -1;
}

/** Words as a shell reads them, with their quotes. */
function words(text: string): string[] {
  return text.match(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g) ?? [];
}

function quote(value: string): string {
  return /^[\w./:@,+-]+$/.test(value)
    ? value
    : `'${value.replace(/'/g, "'\"'\"'")}'`;
}
