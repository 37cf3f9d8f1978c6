import * as fs from 'node:fs';

import type { EventOf } from '../../lib/driver/events';
import { Random } from '../../lib/tasks/random';
import { sampleSpec } from '../../lib/tasks/spec';
import { makeTask } from '../../lib/tiny/grammar';
import { withMenuSizes } from '../../lib/tiny/spec-table';
import { eventsOf, settings, Workplace, withAddon } from './support';

const place = new Workplace();

/** Tasks of the embedded grammar without any of its held-out combinations, as neutral records. */
function grammarTasks(count: number): object[] {
  const random = Random.seeded('given tasks');
  const specs = withMenuSizes([2, 3, 4]);
  const options = { heldOut: false, distractorShare: 0.35, lookAlikeShare: 0.6 };
  return Array.from({ length: count }, (_, index) => {
    const { question, tools, gold } = makeTask(random, sampleSpec(random, specs), options);
    return { id: `given-${index}`, question, tools, gold };
  });
}

/** Bytes of a file of a run. */
const bytes = (...parts: string[]) => fs.readFileSync(place.path(...parts));

withAddon('train --tasks on the embedded model', () => {
  test('the Solver learns the tasks of a file, without a Generator, and held-out accuracy rises', () => {
    const rows = grammarTasks(300);
    const tasks = place.write('tasks.jsonl', [
      ...rows,
      'no JSON',
      { ...rows[0], id: 'again' },
      { ...rows[1], gold: 'x' },
      '',
    ]);
    const small = settings({ 'evaluation.tasks': 200, 'evaluation.samples': 2, 'evaluation.bootstrap': 200 });
    const args = ['train', '--json', '--tasks', tasks, '--iterations', '2', '--solver-steps', '10', ...small];
    const stdout = place.succeed(...args, '--out', 'run');
    expect(eventsOf(stdout, 'tasks')).toMatchObject([
      { layout: 'neutral', records: 303, tasks: 300, dropped: { malformed: 2, duplicate: 1 } },
    ]);
    const measured = eventsOf(stdout, 'eval');
    expect(measured.map(({ iteration, source }) => `${iteration} ${source}`)).toEqual([
      '0 embedded',
      '1 embedded',
      '2 embedded',
    ]);
    const [before, , after] = measured as [EventOf<'eval'>, EventOf<'eval'>, EventOf<'eval'>];
    expect(after.accuracyInterval.low).toBeGreaterThan(before.accuracyInterval.high);
    const steps = eventsOf(stdout, 'step');
    expect(steps).toHaveLength(20);
    expect(steps.every(({ role }) => role === 'solver')).toBe(true);
    for (const { metrics } of steps)
      expect(metrics['sampling/sampling_logp_difference/max']).toBeLessThan(1e-4);
    expect(place.exists('run/generator')).toBe(false);
    expect(eventsOf(stdout, 'result')[0]).not.toHaveProperty('generator');

    const [task] = rows as { question: string; tools: unknown }[];
    place.write('tools.json', [task!.tools]);
    const call = place.cli('call', '--model', 'run/solver', '--tools', 'tools.json', task!.question);
    expect(call.status).toBe(0);
    expect(Array.isArray(JSON.parse(call.stdout))).toBe(true);
  }, 300_000);

  describe('an interrupted run ends as one that was not', () => {
    const tiny = settings({
      'solver.promptsPerStep': 4,
      'solver.numGenerations': 4,
      'evaluation.tasks': 20,
      'evaluation.samples': 2,
      'evaluation.bootstrap': 100,
      'checkpoint.everySteps': 2,
    });
    const args = (out: string, tasks: string) => [
      ...['train', '--json', '--tasks', tasks, '--iterations', '2', '--solver-steps', '4'],
      ...[...tiny, '--out', out],
    ];
    beforeAll(() => {
      place.succeed(...args('whole', place.write('few.jsonl', grammarTasks(30))));
    }, 300_000);

    /** Ends a run by a signal when so many steps were reported, loses its file of tasks, and lets it go on. */
    async function cut(out: string, signal: NodeJS.Signals, step: number): Promise<number | null> {
      const tasks = place.write(`${out}.jsonl`, grammarTasks(30));
      const child = place.start(...args(out, tasks));
      let stdout = '';
      child.stdout.on('data', (chunk: Buffer) => {
        stdout += chunk.toString();
        if (eventsOf(stdout, 'step').length >= step && !child.killed) child.kill(signal);
      });
      const status = await new Promise<number | null>((resolve) => child.on('exit', resolve));
      fs.rmSync(place.path(tasks));
      const resumed = place.succeed('train', '--json', '--resume', out);
      expect(eventsOf(resumed, 'tasks')[0]).toMatchObject({ tasks: 30 });
      return status;
    }

    function expectSame(out: string): void {
      expect(bytes(out, 'solver/model.safetensors').equals(bytes('whole', 'solver/model.safetensors'))).toBe(
        true,
      );
      const accuracies = (name: string) =>
        (
          JSON.parse(place.read(name, 'results.json')) as { measurements: { accuracy: number }[] }
        ).measurements.map(({ accuracy }) => accuracy);
      expect(accuracies(out)).toEqual(accuracies('whole'));
      const rows = (name: string) => place.read(name, 'samples/iteration-2-solver.jsonl');
      expect(rows(out)).toBe(rows('whole'));
    }

    test('by Ctrl-C', async () => {
      expect(await cut('interrupted', 'SIGINT', 3)).toBe(130);
      expectSame('interrupted');
    }, 300_000);

    test('by kill -9', async () => {
      expect(await cut('killed', 'SIGKILL', 7)).toBe(null);
      expectSame('killed');
    }, 300_000);
  });

  test('--dry-run says how much of the file is met, and plans for one role', () => {
    const tasks = place.write('dry.jsonl', grammarTasks(900));
    const { status, stdout } = place.cli('train', '--dry-run', '--tasks', tasks);
    expect(status).toBe(0);
    expect(stdout).toMatch(/ {2}tasks {13}576 of 900 tasks are met \(0\.64 epochs\)/);
    expect(stdout).not.toMatch(/Generator (training|step)/);
    const missing = place.cli('train', '--tasks', 'nowhere.jsonl', '--out', 'never');
    expect(missing.status).toBe(2);
    expect(missing.stderr).toMatch(/nowhere\.jsonl/);
    expect(place.exists('never')).toBe(false);
  }, 300_000);
});
