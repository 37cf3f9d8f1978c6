export type TableStyle = 'markdown' | 'text';

/** Rows of text, the first of them the header: Markdown, or aligned columns for a terminal. The first column stands to the left, figures to the right. */
export function table([header = [], ...rows]: readonly (readonly string[])[], style: TableStyle): string {
  if (style === 'markdown') {
    const line = (columns: readonly string[]) => `| ${columns.join(' | ')} |`;
    const rule = header.map((_, column) => (column === 0 ? '---' : '---:'));
    return [header, rule, ...rows].map(line).join('\n');
  }
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column]!.length)));
  const pad = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!);
  return [header, ...rows].map((row) => `  ${row.map(pad).join('   ').trimEnd()}`).join('\n');
}
