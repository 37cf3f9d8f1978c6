import type { BenchmarkEvent, BenchmarkFigure, MeasuredAt, TasksEvent } from '../driver/events';
import { count, duration, percent, rejectionText } from './format';

/** `at the start`, `after iteration 2`, `in iteration 2 after step 10`. */
export const measuredAt = ({ iteration, step }: MeasuredAt): string =>
  step === undefined
    ? iteration === 0
      ? 'at the start'
      : `after iteration ${iteration}`
    : `in iteration ${iteration} after step ${step}`;

const figureText = ({ title, accuracy, tasks, tooLong }: BenchmarkFigure): string =>
  `${title} ${accuracy === null ? '–' : percent(accuracy, 1)} (${tasks}${tooLong > 0 ? `, ${tooLong} too long` : ''})`;

export function benchmarkLine(event: BenchmarkEvent): string {
  const figures = Object.values(event.sets).map(figureText);
  const mean = event.mean === null ? [] : [`mean of the five ${percent(event.mean, 1)}`];
  return `  benchmarks ${measuredAt(event)}: ${[...figures, ...mean].join(' · ')}, ${duration(event.seconds)}`;
}

export function tasksLine({ file, layout, records, tasks, dropped, notes }: TasksEvent): string {
  const left = rejectionText(dropped);
  const lines = [
    `  trained on ${count(tasks)} of ${count(records)} tasks of ${file} (${layout})${left ? `; left out: ${left}` : ''}`,
    ...notes.map((note) => `  ${note}`),
  ];
  return lines.join('\n');
}
