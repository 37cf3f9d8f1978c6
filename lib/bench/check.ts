import * as fs from 'node:fs';
import * as path from 'node:path';

import { NumericError } from '../binding/errors';
import { packageRoot } from '../setup/paths';
import { Side } from './side';
import { summarizeMismatch } from './mismatch';
import type { Workload } from './types';

interface Checked {
  sequence: number[];
  promptTokens: number;
  logprobs: number[];
}

/** Largest mean difference from the fp32 reference that is rounding and not a defect. */
const TOLERANCE = { float32: 1e-4, bfloat16: 0.05 } as const;

/**
 * Compares the log-probabilities of one sampled completion with transformers' own of the same saved weights, computed in float32.
 * @returns what to say about it
 * @throws NumericError when they differ by more than rounding: figures of wrong results are worth nothing
 */
export async function checkAgainstReference(
  workload: Workload,
  { sequence, promptTokens, logprobs }: Checked,
  folder: string,
  python: string,
): Promise<string> {
  const file = path.join(folder, 'reference.json');
  fs.writeFileSync(
    file,
    JSON.stringify({ ...workload, dtype: 'float32', prompts: [], sequence, promptTokens }),
  );
  const side = new Side({
    program: python,
    args: [path.join(packageRoot, 'bench/peers/reference_logprobs.py'), file],
  });
  try {
    const reference = await side.reply<{ logprobs: number[]; version: string }>();
    const { mean, p99, outside } = summarizeMismatch(
      logprobs.map((value, index) => value - reference.logprobs[index]!),
    );
    const text = `log-probabilities of ${logprobs.length} sampled tokens against transformers ${reference.version} in float32: mean difference ${mean.toExponential(1)}, p99 ${p99.toExponential(1)}, ${(100 * outside).toFixed(1)} % outside [0.9, 1.1]`;
    if (!(mean < TOLERANCE[workload.dtype])) throw new NumericError(`wrong results are not timed: ${text}`);
    return text;
  } finally {
    await side.stop();
  }
}
