import * as fs from 'node:fs';
import * as path from 'node:path';

import type { GrpoLossOptions } from '../policy/grpo-loss';
import { Policy } from '../policy/policy';
import { Trainer } from '../policy/trainer';
import { expectClose, runRows, type RowCheck } from './rows';
import { readSafetensors } from './safetensors';
import { expectEqual, type FileResult } from './types';

interface ParameterOracle {
  norm0: number;
  grad_norm: number;
  norm1: number;
  grad_norm_step2: number;
  norm2: number;
  /** [flat index, before, gradient before clipping, after one step, (with other decay groups), after two steps] */
  entries: number[][];
}

interface ModelOracle {
  forward: { sequences: number[][]; logprobs: number[][] };
  greedy: {
    prompts: number[][];
    continuations: number[][];
    max_new_tokens: number;
    with_eos: { eos_token_id: number; continuations: number[][] };
  };
  grpo: {
    config: {
      loss_type: GrpoLossOptions['lossType'];
      importance_sampling_level: string;
      epsilon: number;
      epsilon_high: number;
      max_completion_length: number;
      use_bias_correction_kl: boolean;
      beta: number;
      temperature: number;
    };
    prompts: number[][];
    completions: number[][];
    advantages: number[];
    old_logps: number[][] | null;
    ref_logps: number[][] | null;
    loss: number;
    grad_total_norm: number;
    loss_step2: number;
    grad_total_norm_step2: number;
    adamw: { lr: number; betas: [number, number]; eps: number; weight_decay: number; max_grad_norm: number };
    params: Record<string, ParameterOracle>;
  };
}

/** How closely a device's fp32 can follow the oracle; the CPU's are those of the vectors' README. */
export interface ModelTolerances {
  logprobs: number;
  loss: number;
  /** Relative. */
  norms: number;
  entries: number;
}

type Options = { device: 'cpu' | 'cuda'; tolerances: ModelTolerances };

const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

async function checkForward(policy: Policy, folder: string, oracle: ModelOracle, tolerance: number) {
  const { sequences, logprobs } = oracle.forward;
  const result = await policy.logprobs(sequences);
  sequences.forEach((_, i) => expectClose(result.logprobs[i]!, logprobs[i]!, `logprobs[${i}]`, 0, tolerance));
  const tensors = readSafetensors(path.join(folder, 'oracle.safetensors'));
  for (const [index, sequence] of sequences.entries()) {
    const expected = tensors.get(`logits.${index}`);
    if (!expected) continue;
    const logits = await policy.logits(sequence);
    expectClose(logits.subarray(logits.length - expected.length), expected, `logits[${index}]`, 0, tolerance);
  }
}

async function checkGreedy(policy: Policy, { greedy }: ModelOracle) {
  const options = { temperature: 0, maxNewTokens: greedy.max_new_tokens };
  const free = await policy.generate(greedy.prompts, { ...options, ignoreEos: true });
  greedy.continuations.forEach((expected, row) =>
    expectEqual([...free.row(row)], expected, `continuation[${row}]`),
  );
  const { eos_token_id: eos, continuations } = greedy.with_eos;
  const stopped = await policy.generate(greedy.prompts, { ...options, stopTokenIds: [eos] });
  continuations.forEach((expected, row) => expectEqual([...stopped.row(row)], expected, `with eos[${row}]`));
}

function trainInput({ grpo }: ModelOracle) {
  const flat = (rows: number[][]) => Float32Array.from(rows.flat());
  const offsets = new Int32Array(grpo.completions.length + 1);
  grpo.completions.forEach((row, index) => (offsets[index + 1] = offsets[index]! + row.length));
  return {
    rollout: {
      prompts: grpo.prompts,
      n: 1,
      tokens: Int32Array.from(grpo.completions.flat()),
      offsets,
      logprobs: new Float32Array(),
    },
    advantages: grpo.advantages,
    oldLogprobs: grpo.old_logps ? flat(grpo.old_logps) : undefined,
    refLogprobs: grpo.ref_logps ? flat(grpo.ref_logps) : undefined,
  };
}

/** One GRPO step: loss, gradients before clipping, weights after AdamW; `step` is 1 or 2. */
async function checkStep(
  trainer: Trainer,
  oracle: ModelOracle,
  step: 1 | 2,
  folder: string,
  t: ModelTolerances,
) {
  const { grpo } = oracle;
  const metrics = await trainer.forwardBackward(trainInput(oracle));
  expectClose([metrics['loss']!], [step === 1 ? grpo.loss : grpo.loss_step2], 'loss', 0, t.loss);
  const norms = await trainer.gradientNorms();
  for (const [name, parameter] of Object.entries(grpo.params)) {
    const expected = step === 1 ? parameter.grad_norm : parameter.grad_norm_step2;
    expectClose([norms[name] ?? Number.NaN], [expected], `gradient norm of ${name}`, t.norms, 1e-6);
    if (step === 2) continue;
    const gradient = await trainer.gradient(name);
    for (const [index, , value] of parameter.entries) {
      expectClose([gradient[index!]!], [value!], `gradient of ${name}[${index}]`, t.norms, 1e-6);
    }
  }
  if (step === 1) {
    for (const [name, expected] of readSafetensors(path.join(folder, 'oracle.safetensors'))) {
      if (!name.startsWith('grad.')) continue;
      const gradient = await trainer.gradient(name.slice('grad.'.length));
      expectClose(gradient, expected, name, t.norms, t.loss);
    }
  }
  const stepped = await trainer.optimStep();
  const total = step === 1 ? grpo.grad_total_norm : grpo.grad_total_norm_step2;
  expectClose([stepped['grad_norm']!], [total], 'total gradient norm', t.norms);
  for (const [name, parameter] of Object.entries(grpo.params)) {
    const values = await trainer.parameter(name);
    expectClose([norm(values)], [step === 1 ? parameter.norm1 : parameter.norm2], `norm of ${name}`, t.norms);
    for (const entry of parameter.entries) {
      const expected = entry[step === 1 ? 3 : 5]!;
      expectClose([values[entry[0]!]!], [expected], `${name}[${entry[0]}] after step ${step}`, 0, t.entries);
    }
  }
}

async function checkTraining(
  policy: Policy,
  oracle: ModelOracle,
  folder: string,
  tolerances: ModelTolerances,
) {
  const { config, adamw, old_logps, completions } = oracle.grpo;
  const trainer = await Trainer.create(policy, {
    learningRate: adamw.lr,
    beta1: adamw.betas[0],
    beta2: adamw.betas[1],
    adamEpsilon: adamw.eps,
    weightDecay: adamw.weight_decay,
    maxGradNorm: adamw.max_grad_norm,
    temperature: config.temperature,
    lossType: config.loss_type,
    importanceSamplingLevel: config.importance_sampling_level,
    epsilon: config.epsilon,
    epsilonHigh: config.epsilon_high,
    beta: config.beta,
    useBiasCorrectionKl: config.use_bias_correction_kl,
    maxCompletionLength: config.max_completion_length,
    numItemsInBatch: old_logps ? completions.flat().length : 0,
  });
  try {
    await checkStep(trainer, oracle, 1, folder, tolerances);
    await checkStep(trainer, oracle, 2, folder, tolerances);
  } finally {
    await trainer.dispose();
  }
}

/** E: tiny models — forward pass, greedy decoding, one and two GRPO steps — in fp32 on the given device. */
export async function checkSectionE(dir: string, { device, tolerances }: Options): Promise<FileResult[]> {
  const root = path.join(dir, 'E_models');
  if (!fs.existsSync(root)) return [];
  const results: FileResult[] = [];
  for (const name of fs.readdirSync(root).sort()) {
    const folder = path.join(root, name);
    const oracle = JSON.parse(fs.readFileSync(path.join(folder, 'oracle.json'), 'utf8')) as ModelOracle;
    const policy = await Policy.load(folder, { device, dtype: 'float32' });
    const checks: RowCheck[] = [
      { id: 'forward', row: {}, check: () => checkForward(policy, folder, oracle, tolerances.logprobs) },
      { id: 'greedy', row: {}, check: () => checkGreedy(policy, oracle) },
      { id: 'grpo', row: {}, check: () => checkTraining(policy, oracle, folder, tolerances) },
    ];
    try {
      results.push(await runRows(path.join('E_models', name), checks));
    } finally {
      await policy.dispose();
    }
  }
  return results;
}
