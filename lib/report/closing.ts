import type { HeldOutSource, RunResult } from '../driver/events';
import { accuracyTable } from './accuracy-table';
import { benchmarkTable } from './benchmark-table';
import { bytes, duration } from './format';
import { phaseTimesText } from './phase-times';

/** What the figures mean, and what they do not. */
const MEANING: Readonly<Record<HeldOutSource, string>> = {
  embedded:
    'What the gain is: the embedded base was pre-trained on a corpus that shows both careful and careless answers; training makes it choose the ' +
    'careful ones. That is selection of a behaviour the model already owned, measured on tasks of the same grammar: it shows that the loop works, ' +
    'not that a model learns new skills.',
  file: 'Measured on your held-out file; intervals are over its tasks, for this one seed.',
  tasks:
    'Measured on tasks of the same file, set aside before training; intervals are over them, for this one seed.',
  slice:
    'Measured on tasks that the untrained Generator wrote: their gold calls may be wrong and they resemble what the Solver is trained on. For a ' +
    'figure that means something elsewhere, pass --eval-data FILE.',
};

function meaningOf({ measurements, tasks }: RunResult): string {
  const { source } = measurements[0]!;
  return tasks && source === 'embedded'
    ? 'Measured on tasks of the embedded grammar, which those trained on need not resemble: pass --eval-data FILE for tasks of their own kind.'
    : MEANING[source];
}

/** Answers of all measurements lie in the run folder: two of them can be compared task by task. */
function benchmarkLines(result: RunResult): string[] {
  const [first, ...more] = result.benchmarks;
  if (!first) return [];
  const last = more.at(-1);
  return [
    'Benchmarks',
    benchmarkTable(result),
    `  Every answer, with intervals and errors: ${(last ?? first).directory}/report.html`,
    ...(last
      ? [`  Is the difference real? tool-r0-native eval --compare ${first.directory},${last.directory}`]
      : []),
    '',
  ];
}

/** The end of a run for people: table, what it means, where things are, how to go on. */
export function closingText(result: RunResult): string {
  const { directory, measurements, reason, seconds, steps, peakMemoryBytes, solver, generator } = result;
  const lines: string[] = [''];
  if (measurements.length > 0) {
    lines.push('Held-out accuracy of the Solver', accuracyTable(measurements), '', meaningOf(result), '');
  }
  lines.push(...benchmarkLines(result));
  const times = phaseTimesText(result);
  if (times.length > 0) lines.push(...times, '');
  const ended = reason === undefined ? 'finished' : reason === 'signal' ? 'stopped' : `ended by --${reason}`;
  lines.push(`${ended} after ${steps} steps, ${duration(seconds)}, peak memory ${bytes(peakMemoryBytes)}`);
  if (solver) lines.push(`Solver    ${solver}`);
  if (generator) lines.push(`Generator ${generator}`);
  lines.push(`Run       ${directory}`);
  if (reason === 'signal') lines.push('', 'Go on with:', `  tool-r0-native train --resume ${directory}`);
  else if (reason)
    lines.push('', `Go on with a higher limit: tool-r0-native train --resume ${directory} --${reason} N`);
  return lines.join('\n');
}
