/** The numbers of a figure, a row for each point. */

import type { IFigure } from '../charts/figure';

export function figureCsv(figure: IFigure): string {
  const rows: string[][] = [];
  const coordinates = figure.data.find(trace => trace.type === 'parcoords');
  if (coordinates) {
    const dimensions = coordinates.dimensions as {
      label: string;
      values: unknown[];
    }[];
    rows.push(dimensions.map(one => one.label));
    const count = dimensions[0]?.values.length ?? 0;
    for (let index = 0; index < count; index++) {
      rows.push(dimensions.map(one => String(one.values[index] ?? '')));
    }
  } else {
    rows.push(['name', 'x', 'y']);
    for (const trace of figure.data) {
      // The faint line below a smoothed one.
      if (trace.hoverinfo === 'skip') {
        continue;
      }
      const x = (trace.x ?? []) as unknown[];
      const y = (trace.y ?? []) as unknown[];
      const names = Array.isArray(trace.text) ? (trace.text as string[]) : null;
      x.forEach((value, index) => {
        const name = names?.[index] ?? String(trace.name ?? '');
        rows.push([name, String(value ?? ''), String(y[index] ?? '')]);
      });
    }
  }
  return rows.map(row => row.map(field).join(',')).join('\r\n') + '\r\n';
}

/** Quoted where it must be; what a spreadsheet would take for a formula is made text. */
export function field(value: string): string {
  const bare = value
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&');
  const formula = /^[=@\t\r]|^[+-](?!\d)/.test(bare);
  const safe = formula ? `'${bare}` : bare;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}
