import * as fs from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

import { train } from '../../lib/train';
import { eventsOf, settings, Workplace, withAddon } from './support';

const place = new Workplace();

/** The embedded preset in miniature: every stage, a few seconds. */
const SMALL = {
  'generator.steps': 2,
  'generator.promptsPerStep': 4,
  'generator.numGenerations': 4,
  'generator.probe.samples': 4,
  'synthesis.candidates': 40,
  'curation.verify.samples': 4,
  'solver.steps': 2,
  'solver.promptsPerStep': 4,
  'solver.numGenerations': 4,
  'evaluation.tasks': 30,
  'evaluation.samples': 2,
  'evaluation.bootstrap': 200,
};
const small = settings(SMALL);

withAddon('a small run of the embedded preset', () => {
  test('--json: typed lines, one eval per measurement, both roles saved; the saved Solver answers `call`', () => {
    const stdout = place.succeed('train', '--json', '--iterations', '2', '--out', 'run', ...small);
    const events = eventsOf(stdout);
    const measured = events.filter((event) => event.type === 'eval');
    expect(measured.map((event) => event.iteration)).toEqual([0, 1, 2]);
    for (const { accuracy, greedyAccuracy, n } of measured) {
      expect(n).toBe(30);
      for (const share of [accuracy, greedyAccuracy]) expect(share >= 0 && share <= 1).toBe(true);
    }
    expect(events.filter((event) => event.type !== 'eval' && event.type.includes('eval'))).toEqual([]);
    const steps = events.filter((event) => event.type === 'step');
    expect(steps).toHaveLength(8);
    for (const { metrics } of steps) {
      expect(metrics['sampling/sampling_logp_difference/max']).toBeLessThan(1e-4);
      expect(metrics['grad_norm']).toBeGreaterThanOrEqual(0);
    }
    for (const role of ['solver', 'generator']) {
      const weights = fs.readdirSync(place.path('run', role)).filter((name) => name.endsWith('.safetensors'));
      expect(weights).toEqual(['model.safetensors']);
    }
    const trained = place.read('run/held-out.jsonl').split('\n').filter(Boolean);
    expect(trained).toHaveLength(30);

    const [task] = trained.map((line) => JSON.parse(line) as { question: string; tools: unknown });
    place.write('tools.json', [task!.tools]);
    const call = place.cli('call', '--model', 'run/solver', '--tools', 'tools.json', task!.question);
    expect(call.status).toBe(0);
    expect(Array.isArray(JSON.parse(call.stdout))).toBe(true);

    const again = place.cli('train', '--out', 'run', ...small);
    expect(again.status).toBe(2);
    expect(again.stderr).toMatch(/--out run: exists and is not empty/);
  }, 300_000);

  test('Ctrl-C finishes the step, saves, says how to go on, and the run goes on', async () => {
    const child = place.start('train', '--json', '--iterations', '1', '--out', 'cut', ...small);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      if (stdout.includes('"type":"step"') && !child.killed) child.kill('SIGINT');
    });
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const status = await new Promise((resolve) => child.on('exit', resolve));
    expect(stderr).toMatch(/train --resume .*cut/);
    expect(status).toBe(130);
    expect(eventsOf(stdout).at(-1)).toMatchObject({ type: 'result', status: 'stopped', reason: 'signal' });
    const resumed = place.cli('train', '--resume', 'cut');
    expect(resumed.stderr).not.toMatch(/error/);
    expect(resumed.status).toBe(0);
    expect(resumed.stdout).toMatch(/Held-out accuracy of the Solver[^]*start[^]*iteration 1/);
  }, 300_000);

  test('the event loop stays free while it trains', async () => {
    const delay = monitorEventLoopDelay({ resolution: 5 });
    const nested = (key: string, value: number) =>
      key.split('.').reduceRight<unknown>((inner, part) => ({ [part]: inner }), value);
    const merge = (left: object, right: object): object =>
      Object.entries(right).reduce<Record<string, unknown>>(
        (merged, [key, value]) => {
          const below = merged[key];
          merged[key] = typeof below === 'object' && below !== null ? merge(below, value as object) : value;
          return merged;
        },
        { ...left },
      );
    const config = Object.entries(SMALL).reduce<object>(
      (merged, [key, value]) => merge(merged, nested(key, value) as object),
      {},
    );
    const run = train({ ...config, iterations: 1, out: place.path('loop') });
    for await (const event of run) if (event.type === 'start') delay.enable();
    delay.disable();
    const [p99, longest] = [delay.percentile(99) / 1e6, delay.max / 1e6];
    console.log(
      `event loop delay while training: p99 ${p99.toFixed(1)} ms, longest ${longest.toFixed(1)} ms`,
    );
    expect(p99).toBeLessThan(200);
  }, 300_000);
});
