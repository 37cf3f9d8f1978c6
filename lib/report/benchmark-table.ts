import type { BenchmarkEvent, BenchmarkFigure, RunResult } from '../driver/events';
import type { Interval } from '../eval/accuracy';
import {
  PAPER_COLUMNS,
  PUBLISHED_MODELS,
  type PaperColumn,
  type PublishedRow,
} from '../eval/published-results';
import { rowName } from './accuracy-table';
import { percent } from './format';
import { table, type TableStyle } from './table';

type Round = Omit<BenchmarkEvent, 'type'>;

const isOfPaper = (name: string): name is PaperColumn => (PAPER_COLUMNS as readonly string[]).includes(name);

/** The paper's sets in its order, then the others as they were asked for. */
function columnsOf(rounds: readonly Round[]): string[] {
  const names = new Set(rounds.flatMap(({ sets }) => Object.keys(sets)));
  return [
    ...PAPER_COLUMNS.filter((name) => names.has(name)),
    ...[...names].filter((name) => !isOfPaper(name)),
  ];
}

const interval = ({ low, high }: Interval) => ` (${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)})`;

/** A terminal has no room for an interval per set: results.md and the reports have them. */
function cell(figure: BenchmarkFigure | undefined, style: TableStyle): string {
  if (!figure || figure.accuracy === null) return '–';
  return `${percent(figure.accuracy, 1)}${style === 'markdown' && figure.interval ? interval(figure.interval) : ''}`;
}

/** What the figures are of, and what was left out. */
function footOf(rounds: readonly Round[], names: readonly string[]): string[] {
  const { sets } = rounds.at(-1)!;
  const figures = names.flatMap((name) => sets[name] ?? []);
  const asked = figures.map(({ title, tasks }) => `${title} ${tasks}`).join(', ');
  const tooLong = figures
    .filter((figure) => figure.tooLong > 0)
    .map(({ title, tooLong: count }) => `${title} ${count}`);
  return [
    `Greedy answers; tasks: ${asked}.`,
    ...(tooLong.length > 0
      ? [`Left out, since question, tools and answer do not fit the model’s context: ${tooLong.join(', ')}.`]
      : []),
    ...figures.flatMap(({ title, notes }) => notes.map((note) => `${title}: ${note}.`)),
  ];
}

/**
 * The Solver's accuracy on the benchmarks: a line per measurement, a column per set, the mean over the paper's five where all of them are there, and
 * the paper's figures of the same base model. Below it what was asked, what was left out and what to know about the sets. Empty without a measurement.
 */
export function benchmarkTable(
  { benchmarks, publishedModel }: Pick<RunResult, 'benchmarks' | 'publishedModel'>,
  style: TableStyle = 'text',
): string {
  const [first] = benchmarks;
  if (!first) return '';
  const names = columnsOf(benchmarks);
  const five = PAPER_COLUMNS.every((name) => names.includes(name));
  const withMean = (cells: readonly string[], mean: string) =>
    five ? [...cells.slice(0, PAPER_COLUMNS.length), mean, ...cells.slice(PAPER_COLUMNS.length)] : [...cells];
  const rows = benchmarks.map((round) => [
    rowName(round),
    ...withMean(
      names.map((name) => cell(round.sets[name], style)),
      round.mean === null ? '–' : percent(round.mean, 1),
    ),
  ]);
  const model = PUBLISHED_MODELS.find(({ name }) => name === publishedModel);
  const published = ({ label, values, mean }: PublishedRow) => [
    `paper: ${label}`,
    ...withMean(
      names.map((name) => (isOfPaper(name) && values ? `${values[name].toFixed(2)} %` : '')),
      `${mean.toFixed(2)} %`,
    ),
  ];
  const paper = model && names.some(isOfPaper) ? [published(model.base), published(model.toolR0)] : [];
  const header = [
    '',
    ...withMean(
      names.map((name) => first.sets[name]?.title ?? name),
      'mean of five',
    ),
  ];
  const foot = footOf(benchmarks, names);
  return [
    table([header, ...rows, ...paper], style),
    ...(style === 'markdown' ? [''] : []),
    ...foot.map((line) => (style === 'markdown' ? `- ${line}` : `  ${line}`)),
  ].join('\n');
}
