import { AbortedError, ConfigError } from '../binding/errors';
import type { Rollout } from '../policy/rollout';
import { readRoleFile } from '../policy/role-file';
import type { ChatTemplateOptions } from '../policy/chat-template';
import type { GenerateOptions } from '../policy/policy';
import { mapYielding } from '../io/yielding';
import type { PromptSetName } from '../roles/prompt-sets';
import { Random } from '../tasks/random';
import { resultOf, scoreText, shareOf, type TaskResult } from './answer';
import type { CandidateOrder } from './candidate-order';
import { chatOf, checkTemplateShowsTools, type Chat, type PromptStyle, type Turn } from './chat';
import type { NeutralRecord } from './neutral-record';

/** How evaluation asks a policy. */
export type EvaluationRequest = Required<
  Pick<
    GenerateOptions,
    'n' | 'maxNewTokens' | 'temperature' | 'topP' | 'topK' | 'minP' | 'seed' | 'maxBatch' | 'maxKvBytes'
  >
> &
  Pick<GenerateOptions, 'signal'>;

/** What evaluation needs of a policy; `Policy` has it. */
export interface EvaluationPolicy {
  /** The model folder; tells which wording it was trained on where `prompts` does not. */
  readonly dir?: string;
  readonly info: { readonly maxPositionEmbeddings: number };
  readonly tokenizer: {
    encodeChat(messages: readonly Turn[], options?: ChatTemplateOptions): number[];
    decode(ids: ArrayLike<number>, options?: { skipSpecialTokens?: boolean }): string;
  };
  generate(
    prompts: readonly (readonly number[])[],
    request: EvaluationRequest,
  ): Promise<Pick<Rollout, 'row' | 'finishReasons' | 'tokens'>>;
}

export interface EvaluateOptions {
  /** Default `tool-r0`. */
  style?: PromptStyle;
  /** Wording of the Tool-R0 prompt. Default: what the model folder says it was trained on. */
  prompts?: PromptSetName;
  /** Default `published`. */
  candidates?: CandidateOrder;
  /** Answers per task. Default 1. */
  samples?: number;
  /** Default 0: greedy. */
  temperature?: number;
  topP?: number;
  /** Longest answer in tokens. Default 512, at most a quarter of the model's context. */
  maxNewTokens?: number;
  /** Of sampling and of shuffled menus. Default 0. */
  seed?: number;
  /** Answers generated together. Default 256. Sampled answers depend on it, greedy ones do not. */
  batch?: number;
  /** Sequences decoded together, passed on to the engine; 0: chosen by it. */
  maxBatch?: number;
  /** Passed on to the engine; 0: chosen from the free memory. */
  maxKvBytes?: number;
  /** Tasks that are done already, by an earlier, interrupted evaluation with the same options. */
  done?: ReadonlySet<string>;
  /** Ends after the running batch is given up: the results so far have been handed over; throws AbortedError. */
  signal?: AbortSignal;
}

/** What is new since the last update. */
export interface EvaluationUpdate {
  results: TaskResult[];
  /** Tasks whose prompt and answer do not fit the model's context; not asked, not among the results. */
  tooLong: string[];
  /** Tasks done so far, those of an earlier evaluation and those too long included. */
  done: number;
  total: number;
  /** Mean share of right answers over the results handed over so far; null before the first. */
  accuracy: number | null;
  generatedTokens: number;
  /** Waiting for the model, without reading data and scoring. */
  seconds: number;
}

/** Default of `maxNewTokens`. */
export const defaultMaxNewTokens = (context: number): number => Math.min(512, Math.floor(context / 4));

interface Prepared {
  records: readonly NeutralRecord[];
  prompts: number[][];
  tooLong: string[];
  /** Tasks of the batch that are done already. */
  skipped: number;
  seed: number;
}

/**
 * Puts an exam to a model: one update per batch, in the order of the tasks. While the model computes a batch, the next one is tokenised and the
 * last one scored. Leaving the loop early cancels what is being computed.
 * @throws ConfigError for options that make no sense; AbortedError, OutOfMemoryError as Policy.generate
 */
export async function* evaluate(
  policy: EvaluationPolicy,
  tasks: readonly NeutralRecord[],
  options: EvaluateOptions = {},
): AsyncGenerator<EvaluationUpdate, void, undefined> {
  const plan = planOf(policy, options);
  const leaving = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, leaving.signal]) : leaving.signal;
  const batches = Array.from({ length: Math.ceil(tasks.length / plan.tasksPerBatch) }, (_, index) => {
    const start = index * plan.tasksPerBatch;
    return { start, all: tasks.slice(start, start + plan.tasksPerBatch) };
  });
  const prepare = (index: number) => held(prepareBatch(batches[index], plan, options.done));
  const ask = async (prepared: Promise<Prepared | null>) => {
    const batch = await prepared;
    return batch && { batch, ...(await answer(policy, batch, plan, options, signal)) };
  };

  const progress = { done: 0, right: 0, scored: 0 };
  let prepared = prepare(0);
  let asked = held(ask(prepared));
  try {
    for (let index = 1; index <= batches.length; index++) {
      await prepared;
      const following = prepare(index);
      const { batch, texts, reasons, generatedTokens, seconds } = (await asked)!;
      prepared = following;
      asked = held(ask(prepared));
      const results = await mapYielding(batch.records, (record, row): TaskResult => {
        const rows = Array.from({ length: plan.samples }, (_, sample) => row * plan.samples + sample);
        const scored = rows.map((place) => ({
          ...scoreText(texts[place]!, record),
          finishReason: reasons[place]!,
        }));
        return resultOf(record, scored);
      });
      progress.done += results.length + batch.tooLong.length + batch.skipped;
      progress.scored += results.length;
      progress.right += results.reduce((sum, result) => sum + shareOf(result), 0);
      yield {
        results,
        tooLong: batch.tooLong,
        done: progress.done,
        total: tasks.length,
        accuracy: progress.scored === 0 ? null : progress.right / progress.scored,
        generatedTokens,
        seconds,
      };
    }
  } finally {
    leaving.abort();
  }
}

/** A promise that is awaited later: until then its failure is nobody's. */
function held<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

function promptsOf({ dir }: EvaluationPolicy): PromptSetName {
  if (dir !== undefined) return readRoleFile(dir).prompts;
  throw new ConfigError('evaluate: this policy has no folder that tells its wording: set prompts');
}

type Plan = ReturnType<typeof planOf>;

function planOf(policy: EvaluationPolicy, options: EvaluateOptions) {
  const { samples = 1, temperature = 0, batch = 256, seed = 0, style = 'tool-r0' } = options;
  const context = policy.info.maxPositionEmbeddings;
  const maxNewTokens = options.maxNewTokens ?? defaultMaxNewTokens(context);
  const whole = { samples, batch, maxNewTokens };
  for (const [name, value] of Object.entries(whole)) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new ConfigError(`evaluate: ${name} must be a whole number of at least 1, not ${value}`, {
        [name]: value,
      });
  }
  if (!(temperature >= 0)) throw new ConfigError(`evaluate: temperature must be at least 0`, { temperature });
  if (samples > 1 && temperature === 0) {
    throw new ConfigError(`evaluate: ${samples} greedy answers are the same; set a temperature above 0`, {
      samples,
    });
  }
  const prompts = options.prompts ?? promptsOf(policy);
  const encode = ({ messages, tools }: Chat) => policy.tokenizer.encodeChat(messages, tools ? { tools } : {});
  if (style === 'native') checkTemplateShowsTools((chat) => policy.tokenizer.decode(encode(chat)));
  const chat = { style, prompts, candidates: options.candidates ?? 'published', seed };
  const tasksPerBatch = Math.max(1, Math.floor(batch / samples));
  return { samples, temperature, maxNewTokens, context, encode, chat, seed, tasksPerBatch };
}

/** The batches are cut the same way whatever is done already, so that an evaluation that is resumed samples what it would have. */
async function prepareBatch(
  cut: { start: number; all: readonly NeutralRecord[] } | undefined,
  plan: Plan,
  done: ReadonlySet<string> = new Set(),
): Promise<Prepared | null> {
  if (cut === undefined) return null;
  const open = cut.all.every(({ id }) => done.has(id)) ? [] : cut.all;
  const prompts = await mapYielding(open, (record) => plan.encode(chatOf(record, plan.chat)));
  const fits = prompts.map((prompt) => prompt.length + plan.maxNewTokens <= plan.context);
  return {
    records: open.filter((_, index) => fits[index]),
    prompts: prompts.filter((_, index) => fits[index]),
    tooLong: open.filter((_, index) => !fits[index]).map(({ id }) => id),
    skipped: cut.all.length - open.length,
    seed: Random.seeded(`samples ${plan.seed} ${cut.start}`).int(0, 2 ** 31 - 1),
  };
}

async function answer(
  policy: EvaluationPolicy,
  { prompts, seed }: Prepared,
  { samples, temperature, maxNewTokens }: Plan,
  { topP = 1, maxBatch = 0, maxKvBytes = 0 }: EvaluateOptions,
  signal: AbortSignal,
) {
  // Not every policy looks at the signal.
  if (signal.aborted) throw new AbortedError('evaluate: aborted');
  if (prompts.length === 0) return { texts: [], reasons: [], generatedTokens: 0, seconds: 0 };
  const started = performance.now();
  const rollout = await policy.generate(prompts, {
    n: samples,
    temperature,
    maxNewTokens,
    topP,
    topK: 0,
    minP: 0,
    seed,
    maxBatch,
    maxKvBytes,
    signal,
  });
  const seconds = (performance.now() - started) / 1000;
  const texts = Array.from({ length: prompts.length * samples }, (_, row) =>
    policy.tokenizer.decode(rollout.row(row), { skipSpecialTokens: true }),
  );
  return { texts, reasons: rollout.finishReasons, generatedTokens: rollout.tokens.length, seconds };
}
