import { bytes, count, duration } from '../report/format';
import type { MachineLimits } from '../driver/machine-limits';
import { summarize } from './statistics';
import type { MeasuredRow, Mismatch } from './types';

const NONE = '–';

/** `9.1k (8.9k–9.3k)` */
export function spreadText(values: readonly number[]): string {
  const summary = summarize(values);
  if (!summary) return NONE;
  return `${count(summary.median)} (${count(summary.min)}–${count(summary.max)})`;
}

export function ratioText({ ratio, ratios }: Pick<MeasuredRow, 'ratio' | 'ratios'>): string {
  if (ratio === null) return NONE;
  const digits = (value: number) => value.toFixed(value < 10 ? 2 : 1);
  return `${digits(ratio)} (${digits(Math.min(...ratios))}–${digits(Math.max(...ratios))})`;
}

const memory = (value: number | null, state: number | null): string => {
  if (value === null) return NONE;
  return state === null ? bytes(value) : `${bytes(value)} (${bytes(Math.max(0, value - state))})`;
};

/** Of the cells of tableCells. */
export const HEAD = [
  'suite',
  'shape',
  'dtype',
  'workload',
  'ours tok/s',
  'peer',
  'peer tok/s',
  'ratio',
  'share of limit',
  'peak memory',
  'peer peak',
];

export function tableCells(row: MeasuredRow): string[] {
  return [
    row.suite,
    row.shape,
    row.dtype,
    row.workload,
    spreadText(row.ourRates),
    row.peerName === null
      ? NONE
      : row.peerVersion === null
        ? row.peerName
        : `${row.peerName} ${row.peerVersion}`,
    spreadText(row.peerRates),
    ratioText(row),
    row.share === null ? NONE : `${(100 * row.share).toFixed(0)} %`,
    memory(row.peakBytes, row.stateBytes),
    memory(row.peerPeakBytes, row.peerStateBytes),
  ];
}

const mismatchText = ({ mean, p99, outside }: Mismatch): string =>
  `mean ${mean.toExponential(1)}, p99 ${p99.toExponential(1)}, ${(100 * outside).toFixed(1)} % outside [0.9, 1.1]`;

const phaseText = (phases: Readonly<Record<string, number>>): string =>
  Object.entries(phases)
    .map(
      ([name, seconds]) =>
        `${name.replace(/Seconds$/, '')} ${seconds < 10 ? `${seconds.toFixed(2)} s` : duration(seconds)}`,
    )
    .join(', ');

/** What a row's cells do not hold: phases, and the mismatch of sampled and trained log-probabilities. */
export function notesOf(rows: readonly MeasuredRow[]): string[] {
  const notes = rows.flatMap((row) => {
    const name = `${row.suite} ${row.shape}${row.suite === 'batch' || row.suite === 'context' ? ` (${row.metric})` : ''}`;
    const peer = row.peerName ?? '';
    return [
      ...(Object.keys(row.phases).length > 0
        ? [
            `${name}, ours: ${phaseText(row.phases)}${row.suite === 'iteration' ? ` (whole iteration: ${duration(Object.values(row.phases).reduce((sum, value) => sum + value, 0))})` : ''}`,
          ]
        : []),
      ...(Object.keys(row.peerPhases).length > 0 ? [`${name}, ${peer}: ${phaseText(row.peerPhases)}`] : []),
      ...(row.mfu === null
        ? []
        : [`${name}, ours: training at ${(100 * row.mfu).toFixed(0)} % of the machine's products (MFU)`]),
      ...(row.mismatch
        ? [`${name}, sampled against trained log-probabilities, ours: ${mismatchText(row.mismatch)}`]
        : []),
      ...(row.peerMismatch
        ? [`${name}, sampled against trained log-probabilities, ${peer}: ${mismatchText(row.peerMismatch)}`]
        : []),
    ];
  });
  return [...new Set(notes)];
}

export function machineText({ name, flops, bytesPerSecond }: MachineLimits, device: string): string {
  const limit = (value: number | null, unit: number, text: string) =>
    value === null ? [] : [`${(value / unit).toPrecision(3)} ${text}`];
  return [
    `${name} (${device})`,
    ...limit(flops, 1e12, 'TFLOP/s'),
    ...limit(bytesPerSecond, 1e9, 'GB/s'),
  ].join(', ');
}

/** The whole table for a terminal. */
export function tableText(rows: readonly MeasuredRow[]): string {
  const lines = [HEAD, ...rows.map(tableCells)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((cells) => cells[column]!.length)));
  const text = lines.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  text.splice(1, 0, widths.map((width) => '─'.repeat(width)).join('  '));
  return [
    ...text,
    '',
    'tok/s: median (lowest–highest). ratio: ours / peer, above 1 is faster. Memory in brackets: above parameters, gradients and optimizer state.',
    ...notesOf(rows),
  ].join('\n');
}
