import pc from 'picocolors';
import type { CommandModule } from 'yargs';

import { AbortedError } from '../../binding/errors';
import { comparisonText, contaminationText, reportText } from '../../eval/report/table';
import { listText } from '../../eval/report/list';
import { compareFolders } from '../../eval/session/compare';
import { checkContamination } from '../../eval/session/contamination-check';
import { differingSettings, differingSettingsText } from '../../eval/session/differing-settings';
import { evaluateModel, evaluatePredictions } from '../../eval/session/evaluation';
import { listBenchmarks } from '../../eval/session/list-benchmarks';
import { openBenchmarks } from '../../eval/session/open-benchmarks';
import type { EvaluationReport } from '../../eval/session/report';
import type { SessionProgress } from '../../eval/session/run';
import { readTrainedTasks } from '../../eval/session/trained-tasks';
import { PAPER_COLUMNS } from '../../eval/published-results';
import { checkModelFolder } from '../../policy/model-folder';
import { ensureReady } from '../../setup';
import { errorEvent, UsageError } from '../errors';
import { interruptSignal } from '../interrupt';
import { checkOutputFile, checkOutputFolder } from '../output-paths';
import { evalConvertCommand } from './eval-convert';
import { modeOf, type EvalMode } from './eval-modes';
import {
  evalArguments,
  evalOptions,
  samplingOf,
  type EvalArguments,
  type GivenEvalArguments,
} from './eval-options';

const DEFAULT_SETS = [...PAPER_COLUMNS, 'bfcl'];

const print = (line: string): void => void process.stdout.write(`${line}\n`);
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
  const differs = differingSettings(a, b);
  if (json) return print(JSON.stringify({ type: 'comparison', a, b, differs, sets }));
  print(comparisonText(a, b, sets));
  const text = differingSettingsText(differs);
  if (text !== undefined) print(`- ${text}`);
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

const show = (report: EvaluationReport, json: boolean): void =>
  print(json ? JSON.stringify({ type: 'evaluation', ...report }) : reportText(report));

/** What is wrong with the places to write to is told before the work, not after it. */
function checkOutputs({ out, html }: EvalArguments): void {
  if (html !== undefined) checkOutputFile('--html', html);
  if (out !== undefined) checkOutputFolder('--out', out);
}

async function scorePredictionsFile(args: EvalArguments): Promise<void> {
  const { passAt } = samplingOf(args);
  checkOutputs(args);
  const opened = await openBenchmarks(namesOf(args), args.data, args.layout);
  const { benchmark, baseModel, out, html } = args;
  const options = {
    file: args.predictions!,
    named: benchmark !== undefined,
    passAt,
    ...(args.limit === undefined ? {} : { limit: args.limit }),
  };
  const outputs = { ...(baseModel ? { baseModel } : {}), ...(out ? { out } : {}), ...(html ? { html } : {}) };
  const onReport = (report: EvaluationReport) => {
    const unknown = report.unknownPredictions;
    if (unknown)
      log(
        `${unknown} ${unknown === 1 ? 'id of the predictions belongs' : 'ids of the predictions belong'} to none of the sets`,
      );
    show(report, args.json);
  };
  await evaluatePredictions(opened, { ...options, ...outputs, layout: args.layout, onReport });
}

/** A signal that was heeded between two steps of the work. */
function checkGoingOn(signal: AbortSignal): void {
  if (signal.aborted) throw new AbortedError('stopped');
}

async function askModel(args: EvalArguments): Promise<void> {
  const sampling = samplingOf(args);
  checkOutputs(args);
  const rest = args.out ? `; the same command goes on from ${args.out}` : '';
  const tellStopped = () => {
    if (args.json) print(JSON.stringify(errorEvent(new AbortedError(`stopped by a signal${rest}`))));
  };
  const stopping = () => log(`stopping${rest}. Ctrl-C again to leave at once.`);
  const interrupt = interruptSignal(stopping, tellStopped);
  try {
    await evaluateInSteps(args, sampling, interrupt.signal);
  } catch (error) {
    if (!(error instanceof AbortedError && interrupt.signal.aborted)) throw error;
    tellStopped();
    process.exitCode = 130;
  } finally {
    interrupt.release();
  }
}

async function evaluateInSteps(
  args: EvalArguments,
  sampling: ReturnType<typeof samplingOf>,
  signal: AbortSignal,
): Promise<void> {
  const { model, device, dtype, prompt, candidates, layout } = args;
  const opened = await openBenchmarks(namesOf(args), args.data, layout);
  checkGoingOn(signal);
  checkModelFolder(model!);
  Object.values(opened.missing).forEach((why) => log(`left out: ${why}`));
  await ensureReady({
    device: device.startsWith('cuda') ? 'cuda' : (device as 'auto'),
    verbose: args.verbose,
  });
  checkGoingOn(signal);
  const given = Object.fromEntries(
    (['limit', 'topP', 'maxNewTokens', 'batch', 'baseModel', 'out', 'html'] as const)
      .filter((name) => args[name] !== undefined)
      .map((name) => [name, args[name]]),
  );
  const nameOf = ({ set, seed }: { set: string; seed: number }) =>
    `${set}${sampling.seeds.length > 1 ? `, seed ${seed}` : ''}`;
  await evaluateModel(opened, {
    model: model!,
    device: device as 'auto',
    dtype,
    style: prompt,
    candidates,
    layout,
    ...sampling,
    ...given,
    signal,
    onProgress: (progress) => log(`${nameOf(progress)}: ${progressText(progress)}`),
    onWaiting: (waiting) =>
      log(`${nameOf(waiting)}: ${waiting.answered} of ${waiting.total} answers of the next batch`),
    onReport: (report) => show(report, args.json),
  });
}

function progressText({ done, total, tooLong, accuracy }: SessionProgress): string {
  const right = accuracy === null ? '' : `, ${(100 * accuracy).toFixed(1)} % right`;
  return `${done} of ${total} tasks${tooLong > 0 ? ` (${tooLong} too long)` : ''}${right}`;
}

const HANDLERS: Readonly<Record<EvalMode, (args: EvalArguments) => void | Promise<void>>> = {
  list: async ({ data, layout, json }) => {
    const sets = await listBenchmarks(data, layout);
    print(json ? JSON.stringify({ type: 'benchmarks', sets }) : listText(sets, data));
  },
  compare,
  contamination,
  predictions: scorePredictionsFile,
  model: askModel,
};

export const evalCommand: CommandModule<object, GivenEvalArguments> = {
  command: 'eval',
  describe: 'put a model, or the answers of another system, to the paper’s benchmarks, BFCL or your own exam',
  builder: (yargs: Parameters<typeof evalOptions>[0]) => evalOptions(yargs).command(evalConvertCommand),
  handler: async (given) => {
    const args = evalArguments(given);
    await HANDLERS[modeOf(given)](args);
  },
};
