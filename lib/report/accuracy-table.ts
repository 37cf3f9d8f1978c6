import type { EvalEvent } from '../driver/events';
import type { Interval } from '../eval/accuracy';

type Measurement = Omit<EvalEvent, 'type'>;

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const interval = ({ low, high }: Interval) => `${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)}`;

const HEADER = ['', 'sampled (T = 1)', '95 %', 'greedy', '95 %', 'tasks'];

function cells(measurement: Measurement): string[] {
  const { iteration, accuracy, accuracyInterval, greedyAccuracy, greedyInterval, n } = measurement;
  return [
    iteration === 0 ? 'start' : `iteration ${iteration}`,
    percent(accuracy),
    interval(accuracyInterval),
    percent(greedyAccuracy),
    interval(greedyInterval),
    String(n),
  ];
}

/** Held-out accuracy of the Solver: one line per measurement. Markdown, or aligned columns for a terminal. */
export function accuracyTable(
  measurements: readonly Measurement[],
  style: 'markdown' | 'text' = 'text',
): string {
  const temperature = measurements[0]?.temperature ?? 1;
  const header = HEADER.map((text) => text.replace('T = 1', `T = ${temperature}`));
  const rows = measurements.map(cells);
  if (style === 'markdown') {
    const line = (columns: readonly string[]) => `| ${columns.join(' | ')} |`;
    return [
      line(header),
      line(header.map((_, column) => (column === 0 ? '---' : '---:'))),
      ...rows.map(line),
    ].join('\n');
  }
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column]!.length)));
  const pad = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!);
  return [header, ...rows].map((row) => `  ${row.map(pad).join('   ').trimEnd()}`).join('\n');
}
