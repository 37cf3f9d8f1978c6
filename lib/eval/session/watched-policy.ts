import type { GenerateOptions } from '../../policy/policy';
import type { FinishReason } from '../../policy/rollout';
import { Random } from '../../tasks/random';
import type { EvaluationPolicy, EvaluationRequest } from '../evaluate';

/** Answers of a batch that is still being generated. */
export interface WaitingProgress {
  answered: number;
  total: number;
}

export interface WatchOptions {
  /** Most answers that one call of the policy is asked for, as long as there are no more prompts than that. */
  most: number;
  /** Told while one waits for a batch: after `patience`, then at ever longer intervals. */
  onWaiting?: (progress: WaitingProgress) => void;
  /** Milliseconds until the first word. Default 3000. */
  patience?: number;
}

const PATIENCE = 3_000;
const LONGEST_SILENCE = 30_000;

type Answers = Awaited<ReturnType<EvaluationPolicy['generate']>>;
type Generate = EvaluationPolicy['generate'];
type Prompts = Parameters<Generate>[0];
type CountedRequest = EvaluationRequest & Pick<GenerateOptions, 'onFinish'>;

/**
 * A policy that does not fall silent over a long batch, and that is asked for many samples of a task (pass@100000) in parts, each with a seed of
 * its own that is drawn from that of the request. A request of at most `most` answers is passed on as it is.
 */
export function watchedPolicy(policy: EvaluationPolicy, options: WatchOptions): EvaluationPolicy {
  const { dir, info, tokenizer } = policy;
  const { most, onWaiting, patience = PATIENCE } = options;
  // A word per answer costs a fast model (70k tokens/s) some 7 % of its speed, and nobody waits for such a one: it is asked for the first
  // time, and after slow times.
  let isSlow = true;
  const ask = async (prompts: Prompts, request: EvaluationRequest, count: (answers: number) => void) => {
    const counted: CountedRequest = isSlow && onWaiting ? { ...request, onFinish: () => count(1) } : request;
    const started = performance.now();
    const answers = await policy.generate(prompts, counted);
    isSlow = performance.now() - started > patience / 2;
    if (counted === request) count(answers.finishReasons.length);
    return answers;
  };
  const generate: Generate = async (prompts, request) => {
    const watch = startWatch(prompts.length * request.n, onWaiting, patience);
    const askInPart = (part: EvaluationRequest) => ask(prompts, part, watch.count);
    const size = Math.max(1, Math.floor(most / prompts.length));
    try {
      return await (request.n <= size ? askInPart(request) : inParts(request, size, askInPart));
    } finally {
      watch.stop();
    }
  };
  return { ...(dir === undefined ? {} : { dir }), info, tokenizer, generate };
}

function startWatch(total: number, onWaiting: WatchOptions['onWaiting'], patience: number) {
  let answered = 0;
  let silence = patience;
  const wait = () =>
    setTimeout(() => {
      onWaiting?.({ answered, total });
      silence = Math.min(2 * silence, LONGEST_SILENCE);
      timer = wait();
    }, silence);
  let timer = wait();
  return { count: (answers: number) => void (answered += answers), stop: () => clearTimeout(timer) };
}

async function inParts(
  request: EvaluationRequest,
  size: number,
  ask: (part: EvaluationRequest) => Promise<Answers>,
): Promise<Answers> {
  const parts: { answers: Answers; n: number }[] = [];
  for (let from = 0; from < request.n; from += size) {
    const n = Math.min(size, request.n - from);
    const seed = Random.seeded(`part ${request.seed} ${from}`).int(0, 2 ** 31 - 1);
    parts.push({ answers: await ask({ ...request, n, seed }), n });
  }
  return joined(parts, size, request.n);
}

/** Row of the whole = prompt * samples + sample; samples lie in parts of `size`. */
function joined(parts: readonly { answers: Answers; n: number }[], size: number, samples: number): Answers {
  const placeOf = (row: number) => {
    const [prompt, sample] = [Math.floor(row / samples), row % samples];
    const { answers, n } = parts[Math.floor(sample / size)]!;
    return { answers, row: prompt * n + (sample % size) };
  };
  const rows = parts.reduce((sum, { answers }) => sum + answers.finishReasons.length, 0);
  const tokens = new Int32Array(parts.reduce((sum, { answers }) => sum + answers.tokens.length, 0));
  let offset = 0;
  for (const { answers } of parts) {
    tokens.set(answers.tokens, offset);
    offset += answers.tokens.length;
  }
  return {
    tokens,
    finishReasons: Array.from({ length: rows }, (_, index): FinishReason => {
      const { answers, row } = placeOf(index);
      return answers.finishReasons[row]!;
    }),
    row: (index) => {
      const { answers, row } = placeOf(index);
      return answers.row(row);
    },
  };
}
