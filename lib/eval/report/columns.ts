/** Columns of text: the first to the left, the others to the right. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const count = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    widths
      .map((width, column) =>
        column === 0 ? (row[0] ?? '').padEnd(width) : (row[column] ?? '').padStart(width),
      )
      .join('  ')
      .trimEnd(),
  );
}

/** `35.96`: percent, as the paper writes it. */
export const percentOf = (share: number | null | undefined): string =>
  share === null || share === undefined ? '–' : (100 * share).toFixed(2);

/** `27.2–43.9` */
export const intervalOf = (interval: { low: number; high: number } | null | undefined): string =>
  interval ? `${(100 * interval.low).toFixed(1)}–${(100 * interval.high).toFixed(1)}` : '–';
