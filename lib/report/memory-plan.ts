import type { ModelSize } from './model-size';

/** What a phase holds, in bytes, term by term. */
export interface MemoryTerms {
  /** Node.js, libtorch and the buffers of its libraries. */
  runtime: number;
  /** Weights that are computed with, of every policy in memory. */
  weights: number;
  /** fp32 masters beside 16-bit weights. */
  masters: number;
  moments: number;
  gradients: number;
  /** Keys and values of the sequences decoded together. */
  keyValues: number;
  /** Buffers of prefill and sampling; or what the backward pass keeps and works on. */
  activations: number;
  /** Logits of a chunk of tokens and their gradient. */
  head: number;
}

/** The machine a plan is for. */
export interface PlanDevice {
  cuda: boolean;
  /** Bytes per weight: 2 or 4. */
  weightBytes: number;
  /** Memory of the device; absent: enough. */
  totalBytes?: number;
}

/** Policies and trainers that are in memory together. */
export interface Residents {
  /** Policies, a frozen reference included. */
  policies: number;
  trainers: number;
}

/** Loaded addon, thread stacks, libraries' scratch: measured 0.18 to 0.23 GB on Linux; a CUDA context takes about as much again and more. */
const RUNTIME_BYTES = { cpu: 0.21e9, cuda: 0.9e9 };
/** libtorch's CPU products of 16-bit matrices in training: compiled code and reordered weights. */
const HALF_PRODUCTS_BYTES = 0.025e9;
const FLOAT = 4;
const CPU_TOKEN_BUDGET = 2048;
const TOKEN_BUDGETS = { least: 2048, most: 16384 };
const LOGPROB_CHUNK_ROWS = 2048;
/** Prompt tokens prefilled in one pass. */
const PREFILL_TOKENS = 2048;
/** Share of a device's memory that plans use: the rest goes to libraries and fragmentation. */
const USABLE = 0.85;

/** Bytes per packed token (`head`: per scored token); the terms of native/grpo/step_memory.h, whose test measures them. */
export function stepBytes(size: ModelSize, { cuda, weightBytes }: PlanDevice) {
  const attention = size.heads * size.headDim;
  const keys = size.keyValueHeads * size.headDim;
  const { hidden, intermediate } = size;
  const normed = size.queryKeyNorm
    ? weightBytes * (attention + keys) + FLOAT * (size.heads + size.keyValueHeads)
    : 0;
  const wide = weightBytes === FLOAT ? 0 : FLOAT * (4 * attention + 4 * keys);
  const onCpu = cuda ? 0 : wide + FLOAT * (2 * attention + 4 * keys);
  const inAttention = weightBytes * (2 * hidden + 2 * attention + 2 * keys) + onCpu;
  return {
    input: hidden * weightBytes,
    tape:
      weightBytes * (3 * hidden + 2 * attention + 2 * keys + 3 * intermediate) +
      FLOAT * (2 + size.heads) +
      normed,
    working: Math.max(
      weightBytes * (hidden + 3 * intermediate),
      inAttention - 3 * intermediate * weightBytes,
    ),
    head: size.vocabulary * (FLOAT + (weightBytes === FLOAT ? 0 : weightBytes)),
  };
}

/** The micro-batch budget a trainer chooses by itself (native/grpo/step_memory.cc). */
export function automaticTokenBudget(size: ModelSize, device: PlanDevice): number {
  if (!device.cuda) return CPU_TOKEN_BUDGET;
  if (device.totalBytes === undefined) return TOKEN_BUDGETS.most;
  const bytes = stepBytes(size, device);
  const perToken = size.layers * (bytes.tape + bytes.input) + bytes.working;
  const usable = USABLE * device.totalBytes - 2 * size.parameters * 18 - TOKEN_BUDGETS.least * bytes.head;
  return Math.min(TOKEN_BUDGETS.most, Math.max(TOKEN_BUDGETS.least, Math.floor(usable / perToken)));
}

function resident(size: ModelSize, device: PlanDevice, { policies, trainers }: Residents): MemoryTerms {
  const floats = FLOAT * size.parameters;
  const products = device.weightBytes === FLOAT || trainers === 0 ? 0 : HALF_PRODUCTS_BYTES;
  const onCpu = RUNTIME_BYTES.cpu + products;
  return {
    runtime: device.cuda ? RUNTIME_BYTES.cuda : onCpu,
    weights: policies * size.parameters * device.weightBytes,
    // In fp32 the weights are the masters.
    masters: device.weightBytes === FLOAT ? 0 : trainers * floats,
    moments: trainers * 2 * floats,
    gradients: trainers * floats,
    keyValues: 0,
    activations: 0,
    head: 0,
  };
}

export interface TrainingWork {
  /** Packed tokens of a micro-batch: prompts once, completions. */
  tokens: number;
  /** Completion tokens among them. */
  scored: number;
  checkpointing: boolean;
}

/** Peak of a training step. Layers whose activations do not fit `totalBytes` are recomputed, as the trainer does. */
export function trainingMemory(
  size: ModelSize,
  device: PlanDevice,
  work: TrainingWork,
  residents: Residents,
): MemoryTerms {
  const terms = resident(size, device, residents);
  const bytes = stepBytes(size, device);
  const inputs = (size.layers + 1) * bytes.input * work.tokens;
  const tape = bytes.tape * work.tokens;
  const working = bytes.working * work.tokens;
  const head = bytes.head * Math.min(work.scored, LOGPROB_CHUNK_ROWS);
  const free = device.totalBytes === undefined ? Infinity : USABLE * device.totalBytes - total(terms);
  const fitting = Math.floor((free - inputs - Math.max(working, head)) / Math.max(1, tape));
  const kept = work.checkpointing ? 0 : Math.min(size.layers, Math.max(0, fitting));
  // The head comes between the passes; a recomputed layer has its tape beside what it works on.
  const inPass = kept > 0 ? working : tape + working;
  terms.activations = inputs + kept * tape + Math.max(0, inPass - head);
  terms.head = head;
  return terms;
}

export interface RolloutWork {
  prompts: number;
  promptTokens: number;
  /** Completions decoded together, and their longest. */
  sequences: number;
  newTokens: number;
  /** Limit of the cache; 0 = none. */
  maxKvBytes: number;
}

/** Peak of generation: a group's prompt is in the cache once. */
export function rolloutMemory(
  size: ModelSize,
  device: PlanDevice,
  work: RolloutWork,
  residents: Residents,
): MemoryTerms {
  const terms = resident(size, device, residents);
  const perToken = 2 * size.layers * size.keyValueHeads * size.headDim * device.weightBytes;
  const wanted = (work.prompts * work.promptTokens + work.sequences * work.newTokens) * perToken;
  terms.keyValues = work.maxKvBytes > 0 ? Math.min(work.maxKvBytes, wanted) : wanted;
  const attention = (size.heads + 2 * size.keyValueHeads) * size.headDim;
  const prefilled = Math.min(PREFILL_TOKENS, work.prompts * work.promptTokens);
  terms.activations = prefilled * device.weightBytes * (3 * size.intermediate + attention + 4 * size.hidden);
  terms.head = work.sequences * size.vocabulary * FLOAT;
  return terms;
}

export const total = (terms: MemoryTerms): number =>
  Object.values(terms).reduce<number>((sum, value) => sum + (value as number), 0);
