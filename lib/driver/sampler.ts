import type { Config, SamplingConfig } from '../config';
import type { Message, PolicyPort, RolloutPort } from './ports';
import { mapYielding } from './yielding';

export interface Sampled {
  rollout: RolloutPort;
  /** [rows] decoded without special tokens. Row r answers prompt floor(r / n). */
  texts: string[];
  /** Generated tokens. */
  tokens: number;
  seconds: number;
}

export interface SampleRequest {
  n: number;
  sampling: SamplingConfig;
  seed: number;
  /** Completions done so far. */
  onProgress?: (done: number, total: number) => void;
}

/** Asks a policy: chats in, completions out, as one batch. Text is for reading only; what is trained are the ids in `rollout`. */
export async function sample(
  policy: PolicyPort,
  chats: readonly (readonly Message[])[],
  request: SampleRequest,
  rolloutConfig: Config['rollout'],
): Promise<Sampled> {
  const started = performance.now();
  const { n, sampling, seed, onProgress } = request;
  const prompts = await mapYielding(chats, (chat) => policy.tokenizer.encodeChat(chat));
  const total = prompts.length * n;
  let done = 0;
  const rollout = await policy.generate(prompts, {
    n,
    ...sampling,
    seed,
    ...rolloutConfig,
    ...(onProgress ? { onFinish: () => onProgress(++done, total) } : {}),
  });
  const seconds = (performance.now() - started) / 1000;
  const rows = Array.from({ length: total }, (_, row) => row);
  const texts = await mapYielding(rows, (row) =>
    policy.tokenizer.decode(rollout.row(row), { skipSpecialTokens: true }),
  );
  return { rollout, texts, tokens: rollout.tokens.length, seconds };
}

/** The `n` texts of one prompt. */
export const textsOf = ({ rollout, texts }: Sampled, prompt: number): string[] =>
  texts.slice(prompt * rollout.n, (prompt + 1) * rollout.n);
