/** The first rows of a table in text: quotes and line ends within them are understood; the last row may be cut. */
export function readCsv(
  text: string,
  separator: string,
  rows: number
): string[][] {
  const found: string[][] = [];
  let row: string[] = [];
  let field = '';
  let quoted = false;
  for (let at = 0; at < text.length && found.length < rows; at++) {
    const char = text[at]!;
    if (quoted) {
      if (char !== '"') {
        field += char;
      } else if (text[at + 1] === '"') {
        field += '"';
        at += 1;
      } else {
        quoted = false;
      }
    } else if (char === '"' && field === '') {
      quoted = true;
    } else if (char === separator) {
      row.push(field);
      field = '';
    } else if (char === '\n') {
      row.push(field.replace(/\r$/, ''));
      found.push(row);
      row = [];
      field = '';
    } else {
      field += char;
    }
  }
  if (found.length < rows && (field || row.length > 0)) {
    found.push([...row, field]);
  }
  return found;
}
