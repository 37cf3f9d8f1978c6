import type { RunEvent } from '../../lib/driver/events';
import { Eta } from '../../lib/report/eta';
import { fit, LiveReporter } from '../../lib/report/live-reporter';
import { PlainReporter } from '../../lib/report/plain-reporter';
import { JsonReporter } from '../../lib/report/reporter';

const start: RunEvent = {
  type: 'start',
  directory: 'runs/x',
  name: 'x',
  preset: 'tiny',
  model: 'm',
  device: 'cpu',
  dtype: 'float32',
  parameterCount: 9.6e5,
  seed: 1,
  iterations: 2,
  resumed: false,
};
const phase = (
  name: 'generator' | 'solver' | 'measure',
  state: 'start' | 'end',
  iteration: number,
  seconds?: number,
): RunEvent => ({
  type: 'phase',
  iteration,
  phase: name,
  state,
  total: 4,
  ...(seconds === undefined ? {} : { seconds }),
});
const step: RunEvent = {
  type: 'step',
  iteration: 1,
  role: 'generator',
  step: 1,
  total: 4,
  globalStep: 1,
  metrics: {
    reward: 1.5,
    'rewards/format/mean': 0.9,
    'rewards/validity/mean': 0.6,
    'toolr0/valid_task_rate': 0.58,
    'toolr0/tokens_per_second': 3100,
    'toolr0/memory_rss_bytes': 8.12e8,
    step_time: 2,
  },
  histogram: { samples: 2, counts: [1, 2, 4] },
};
const curation: RunEvent = {
  type: 'curation',
  iteration: 1,
  candidates: 10,
  valid: 8,
  unique: 7,
  kept: 5,
  selected: 4,
  rejections: { missing_tags: 2, duplicate: 1, mismatch: 2 },
  difficulties: { easy: 4 },
  histogram: { samples: 2, counts: [1, 2, 4] },
};
const measured: RunEvent = {
  type: 'eval',
  iteration: 1,
  accuracy: 0.61,
  accuracyInterval: { low: 0.58, high: 0.64 },
  greedyAccuracy: 0.7,
  greedyInterval: { low: 0.65, high: 0.74 },
  n: 400,
  samplesPerTask: 4,
  temperature: 1,
  source: 'embedded',
  seconds: 3,
};
const progress = (done: number): RunEvent => ({
  type: 'progress',
  iteration: 1,
  phase: 'generator',
  activity: 'rollout',
  done,
  total: 4,
});
const events: RunEvent[] = [
  start,
  phase('generator', 'start', 1),
  progress(1),
  step,
  phase('generator', 'end', 1, 8),
  curation,
  measured,
];

class Sink {
  text = '';
  columns = 100;
  write(text: string): void {
    this.text += text;
  }
}

test('plain lines say phase, reward parts, valid tasks, p̂, speed, memory and accuracy', () => {
  const sink = new Sink();
  const reporter = new PlainReporter(sink);
  events.forEach((event) => reporter.event(event));
  const lines = sink.text.trimEnd().split('\n');
  expect(lines).toEqual([
    'run x · preset tiny · 960.0k parameters · cpu float32 · seed 1 → runs/x',
    'iteration 1/2 · Generator GRPO (4)',
    '  generator 1/4  reward 1.500 (format 0.90 · validity 0.60)  valid 58 %  p̂ ▂▄█  3.1k tok/s  812 MB  2s',
    '  10 candidates → 8 valid → 7 unique → 5 in the p̂ window → 4 selected  p̂ ▂▄█  dropped: missing_tags 2, mismatch 2, duplicate 1',
    '  held-out after iteration 1: sampled (T = 1) 61.0 % [58.0–64.0], greedy 70.0 % [65.0–74.0], 400 tasks, 3s',
  ]);
  expect(sink.text).not.toContain('\u001b');
});

test('a long silence gets a sign of life', () => {
  let now = 0;
  const sink = new Sink();
  const reporter = new PlainReporter(sink, () => now);
  [start, phase('generator', 'start', 1)].forEach((event) => reporter.event(event));
  const before = sink.text;
  now = 10;
  reporter.event(progress(1));
  expect(sink.text).toBe(before);
  now = 40;
  reporter.event(progress(2));
  expect(sink.text.slice(before.length)).toBe('  … rollout 2/4, 40s left\n');
});

test('JSON lines are the events themselves', () => {
  const sink = new Sink();
  const reporter = new JsonReporter(sink);
  events.forEach((event) => reporter.event(event));
  expect(
    sink.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual(events);
});

test('the live display redraws in place, keeps results above it, and cleans up', () => {
  const sink = new Sink();
  const reporter = new LiveReporter(sink);
  events.slice(0, 4).forEach((event) => reporter.event(event));
  // eslint-disable-next-line no-control-regex
  const plain = (text: string) => text.replace(/\u001b\[[0-9;]*[mAJ]/g, '');
  expect(plain(sink.text)).toContain('▸ iteration 1/2 · Generator GRPO · step 1/4');
  expect(plain(sink.text)).toContain('reward 1.500 = format 0.90 · validity 0.60');
  expect(plain(sink.text)).toContain('valid tasks 58 % · p̂ 0 ▂▄█ 1');
  events.slice(4).forEach((event) => reporter.event(event));
  expect(plain(sink.text)).toContain('held-out after iteration 1');
  sink.text = '';
  reporter.close();
  // eslint-disable-next-line no-control-regex
  expect(sink.text).toMatch(/^\u001b\[\d+A\u001b\[0J$/);
  const width = Math.max(
    ...plain(sink.text)
      .split('\n')
      .map((line) => line.length),
  );
  expect(width).toBeLessThanOrEqual(100);
});

test('lines are cut to the width, colours not counted', () => {
  expect(fit('\u001b[1mabcdef\u001b[0m', 6)).toBe('\u001b[1mabcdef\u001b[0m');
  expect(fit('\u001b[1mabcdefgh\u001b[0m', 4)).toMatch(/^\u001b\[1mabc…/u); // eslint-disable-line no-control-regex
});

test('time left: in the phase from its share, in the run once an iteration was seen', () => {
  let now = 0;
  const eta = new Eta(() => now);
  eta.event(start);
  eta.event(phase('generator', 'start', 1));
  expect(eta.phaseSeconds()).toBeUndefined();
  now = 2;
  eta.event(step);
  expect(eta.phaseSeconds()).toBeCloseTo(6);
  expect(eta.runSeconds()).toBeUndefined();
  eta.event(phase('generator', 'end', 1, 8));
  eta.event(phase('solver', 'start', 1));
  eta.event(phase('solver', 'end', 1, 4));
  eta.event(phase('measure', 'start', 1));
  eta.event(phase('measure', 'end', 1, 2));
  eta.event(phase('generator', 'start', 2));
  expect(eta.runSeconds()).toBeCloseTo(8 + 4 + 2);
});
