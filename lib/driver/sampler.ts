import type { Config, SamplingConfig } from '../config';
import { CompletionReader, type ReadCompletion } from './completion-reader';
import type { Message, PolicyPort, RolloutPort } from './ports';
import { mapYielding } from '../io/yielding';

export interface Sampled<R = void> {
  rollout: RolloutPort;
  /** [rows] decoded without special tokens. Row r answers prompt floor(r / n). */
  texts: string[];
  /** [rows] what `read` made of each text. */
  readings: R[];
  /** Generated tokens. */
  tokens: number;
  /** Of the rollout; reading that outlasts it is not in here. */
  seconds: number;
}

export interface SampleRequest {
  n: number;
  sampling: SamplingConfig;
  seed: number;
  /** Completions done so far. */
  onProgress?: (done: number, total: number) => void;
}

/**
 * Asks a policy: chats in, completions out, as one batch. Every completion is decoded and given to `read` when it ends, while the policy
 * goes on with the others. Text is for reading only; what is trained are the ids in `rollout`.
 */
export async function sample<R = void>(
  policy: PolicyPort,
  chats: readonly (readonly Message[])[],
  request: SampleRequest,
  rolloutConfig: Config['rollout'],
  read: ReadCompletion<R>,
): Promise<Sampled<R>> {
  const started = performance.now();
  const { n, sampling, seed, onProgress } = request;
  const prompts = await mapYielding(chats, (chat) => policy.tokenizer.encodeChat(chat));
  const total = prompts.length * n;
  const reader = new CompletionReader(
    total,
    (tokens) => policy.tokenizer.decode(tokens, { skipSpecialTokens: true }),
    read,
  );
  let done = 0;
  let rollout: RolloutPort;
  try {
    rollout = await policy.generate(prompts, {
      n,
      ...sampling,
      seed,
      ...rolloutConfig,
      onFinish: (row, tokens) => {
        reader.add(row, tokens);
        onProgress?.(++done, total);
      },
    });
  } catch (error) {
    reader.abandon();
    throw error;
  }
  const seconds = (performance.now() - started) / 1000;
  await reader.finish((row) => rollout.row(row));
  const { texts, readings } = reader;
  return { rollout, texts, readings, tokens: rollout.tokens.length, seconds };
}

/** For texts that are read later, all together. */
export const readNothing = (): void => undefined;

/** The `n` texts of one prompt. */
export const textsOf = ({ rollout, texts }: Pick<Sampled, 'rollout' | 'texts'>, prompt: number): string[] =>
  texts.slice(prompt * rollout.n, (prompt + 1) * rollout.n);
