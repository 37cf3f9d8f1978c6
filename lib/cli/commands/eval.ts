import pc from 'picocolors';
import type { CommandModule } from 'yargs';

import { AbortedError } from '../../binding/errors';
import { comparisonText, contaminationText, reportText } from '../../eval/report/table';
import { listText } from '../../eval/report/list';
import { compareFolders } from '../../eval/session/compare';
import { checkContamination } from '../../eval/session/contamination-check';
import { evaluateModel, evaluatePredictions, type Evaluated } from '../../eval/session/evaluation';
import { listBenchmarks } from '../../eval/session/list-benchmarks';
import { openBenchmarks } from '../../eval/session/open-benchmarks';
import { readTrainedTasks } from '../../eval/session/trained-tasks';
import { PAPER_COLUMNS } from '../../eval/published-results';
import { checkModelFolder } from '../../policy/model-folder';
import { ensureReady } from '../../setup';
import { UsageError } from '../errors';
import { interruptSignal } from '../interrupt';
import { evalConvertCommand } from './eval-convert';
import { evalOptions, samplingOf, type EvalArguments } from './eval-options';

const DEFAULT_SETS = [...PAPER_COLUMNS, 'bfcl'];

const print = (line: string) => process.stdout.write(`${line}\n`);
const log = (line: string) => process.stderr.write(`${pc.dim(`tool-r0-native: ${line}`)}\n`);

function namesOf({ benchmark }: EvalArguments): string[] {
  if (benchmark === undefined) return DEFAULT_SETS;
  const names = benchmark.split(',').map((name) => name.trim());
  const given = names.filter((name) => name !== '');
  if (given.length === 0) throw new UsageError('--benchmark: names no set; eval --list shows what there is');
  return given;
}

function compare({ compare: pair, json }: EvalArguments): void {
  const [a, b, ...more] = (pair ?? '').split(',');
  if (!a || !b || more.length > 0) throw new UsageError('--compare needs two folders: A,B');
  const sets = compareFolders(a, b);
  print(json ? JSON.stringify({ type: 'comparison', a, b, sets }) : comparisonText(a, b, sets));
}

async function contamination(args: EvalArguments): Promise<void> {
  const file = args.contamination!;
  const { benchmarks, missing } = await openBenchmarks(namesOf(args), args.data, args.layout);
  const { tasks, files, malformed } = await readTrainedTasks(file);
  const sets = Object.fromEntries(benchmarks.map((exam) => [exam.name, checkContamination(tasks, exam)]));
  if (malformed > 0) log(`${malformed} malformed lines of ${file} were not compared`);
  print(
    args.json
      ? JSON.stringify({ type: 'contamination', file, files, malformed, sets, missing })
      : contaminationText(file, sets),
  );
  Object.values(missing).forEach((why) => log(`left out: ${why}`));
}

function show({ report }: Evaluated, json: boolean): void {
  print(json ? JSON.stringify({ type: 'evaluation', ...report }) : reportText(report));
}

async function scorePredictionsFile(args: EvalArguments): Promise<void> {
  const { passAt } = samplingOf(args);
  const opened = await openBenchmarks(namesOf(args), args.data, args.layout);
  const { benchmark, baseModel, out, html } = args;
  const options = {
    file: args.predictions!,
    named: benchmark !== undefined,
    passAt,
    ...(args.limit === undefined ? {} : { limit: args.limit }),
  };
  const outputs = { ...(baseModel ? { baseModel } : {}), ...(out ? { out } : {}), ...(html ? { html } : {}) };
  const evaluated = await evaluatePredictions(opened, { ...options, ...outputs, layout: args.layout });
  const unknown = evaluated.report.unknownPredictions;
  if (unknown)
    log(
      `${unknown} ${unknown === 1 ? 'id of the predictions belongs' : 'ids of the predictions belong'} to none of the sets`,
    );
  show(evaluated, args.json);
}

async function askModel(args: EvalArguments): Promise<void> {
  const sampling = samplingOf(args);
  const opened = await openBenchmarks(namesOf(args), args.data, args.layout);
  const { model, device, dtype, prompt, candidates, layout } = args;
  checkModelFolder(model!);
  Object.values(opened.missing).forEach((why) => log(`left out: ${why}`));
  await ensureReady({
    device: device.startsWith('cuda') ? 'cuda' : (device as 'auto'),
    verbose: args.verbose,
  });
  const interrupt = interruptSignal(() =>
    log(
      args.out
        ? `stopping; the same command goes on from ${args.out}. Ctrl-C again to leave at once.`
        : 'stopping.',
    ),
  );
  const given = Object.fromEntries(
    (['limit', 'topP', 'maxNewTokens', 'batch', 'baseModel', 'out', 'html'] as const)
      .filter((name) => args[name] !== undefined)
      .map((name) => [name, args[name]]),
  );
  try {
    const evaluated = await evaluateModel(opened, {
      model: model!,
      device: device as 'auto',
      dtype,
      style: prompt,
      candidates,
      layout,
      ...sampling,
      ...given,
      signal: interrupt.signal,
      onProgress: ({ set, seed, done, total, accuracy }) =>
        log(
          `${set}${sampling.seeds.length > 1 ? `, seed ${seed}` : ''}: ${done} of ${total} tasks` +
            (accuracy === null ? '' : `, ${(100 * accuracy).toFixed(1)} % right`),
        ),
    });
    show(evaluated, args.json);
  } catch (error) {
    if (!(error instanceof AbortedError && interrupt.signal.aborted)) throw error;
    process.exitCode = 130;
  } finally {
    interrupt.release();
  }
}

export const evalCommand: CommandModule<object, EvalArguments> = {
  command: 'eval',
  describe: 'put a model, or the answers of another system, to the paper’s benchmarks, BFCL or your own exam',
  builder: ((yargs: Parameters<typeof evalOptions>[0]) =>
    evalOptions(yargs).command(evalConvertCommand)) as never,
  handler: async (args) => {
    if (args.list) {
      const sets = await listBenchmarks(args.data, args.layout);
      print(args.json ? JSON.stringify({ type: 'benchmarks', sets }) : listText(sets, args.data));
    } else if (args.compare !== undefined) compare(args);
    else if (args.contamination !== undefined) await contamination(args);
    else if (args.predictions !== undefined) await scorePredictionsFile(args);
    else if (args.model !== undefined) await askModel(args);
    else
      throw new UsageError(
        'eval: which model? --model DIR, or --predictions FILE, --compare A,B, --contamination RUN_OR_FILE, --list',
      );
  },
};
