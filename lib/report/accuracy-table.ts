import type { EvalEvent, MeasuredAt } from '../driver/events';
import type { Interval } from '../eval/accuracy';
import { percent } from './format';
import { table, type TableStyle } from './table';

type Measurement = Omit<EvalEvent, 'type'>;

const interval = ({ low, high }: Interval) => `${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)}`;

const HEADER = ['', 'sampled (T = 1)', '95 %', 'greedy', '95 %', 'tasks'];

/** `start`, `iteration 1`, `iteration 1, step 6`: what stands before a measurement in a table. */
export function rowName({ iteration, step }: MeasuredAt): string {
  if (iteration === 0) return 'start';
  return `iteration ${iteration}${step === undefined ? '' : `, step ${step}`}`;
}

function cells(measurement: Measurement): string[] {
  const { accuracy, accuracyInterval, greedyAccuracy, greedyInterval, n } = measurement;
  return [
    rowName(measurement),
    percent(accuracy, 1),
    interval(accuracyInterval),
    percent(greedyAccuracy, 1),
    interval(greedyInterval),
    String(n),
  ];
}

/** Held-out accuracy of the Solver: one line per measurement. Markdown, or aligned columns for a terminal. */
export function accuracyTable(measurements: readonly Measurement[], style: TableStyle = 'text'): string {
  const temperature = measurements[0]?.temperature ?? 1;
  const header = HEADER.map((text) => text.replace('T = 1', `T = ${temperature}`));
  return table([header, ...measurements.map(cells)], style);
}
