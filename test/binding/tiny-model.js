'use strict';
// A random model small enough to make in milliseconds and large enough to keep the compute thread busy for a while. Plain
// JavaScript: used by tests and by the child processes they start.
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const VOCAB = 512;

/** Writes config.json into a new folder; the caller removes it. */
function writeTinyModel(changes = {}) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-model-'));
  const config = {
    architectures: ['Qwen2ForCausalLM'],
    model_type: 'qwen2',
    vocab_size: VOCAB,
    hidden_size: 128,
    intermediate_size: 256,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    max_position_embeddings: 4096,
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    tie_word_embeddings: true,
    torch_dtype: 'float32',
    eos_token_id: 0,
    ...changes,
  };
  fs.writeFileSync(path.join(dir, 'config.json'), JSON.stringify(config));
  return dir;
}

async function initPolicy(addon, changes = {}, seed = 1) {
  const dir = writeTinyModel(changes);
  try {
    const policy = new addon.AddonPolicy();
    await policy.init(dir, { device: 'cpu', dtype: 'float32', seed });
    return policy;
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

function generateRequest(changes = {}) {
  return {
    promptTokens: Int32Array.from([1, 2, 3, 4, 5]),
    promptOffsets: Int32Array.from([0, 3, 5]),
    samplesPerPrompt: 2,
    maxNewTokens: 8,
    sampling: { temperature: 1, topK: 0, topP: 1, minP: 0 },
    seed: 7,
    stopTokenIds: Int32Array.from([0]),
    ignoreEos: true,
    stopStrings: [],
    maxBatch: 0,
    maxKvBytes: 0,
    returnPartialOnAbort: false,
    ...changes,
  };
}

/** A generation that takes many seconds unless it is stopped. */
const longRequest = (changes = {}) =>
  generateRequest({ samplesPerPrompt: 16, maxNewTokens: 4000, ...changes });

function trainerOptions(changes = {}) {
  return {
    optimizer: 'adamw',
    learningRate: 1e-4,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0,
    muonLearningRate: 0.02,
    muonMomentum: 0.95,
    maxGradNorm: 1,
    scheduler: 'constant',
    warmupSteps: 0,
    totalSteps: 0,
    tokenBudget: 1024,
    logprobChunkRows: 512,
    activationCheckpointing: false,
    temperature: 1,
    maxSkippedSteps: 3,
    loss: {
      lossType: 'grpo',
      importanceSamplingLevel: 'token',
      epsilon: 0.2,
      epsilonHigh: null,
      delta: null,
      beta: 0,
      useBiasCorrectionKl: true,
      maxCompletionLength: 512,
      gradientAccumulationSteps: 1,
      stepsPerGeneration: 1,
      numItemsInBatch: 0,
      rolloutIs: null,
      rolloutIsMin: 0,
      rolloutIsMax: Infinity,
      offPolicyMaskThreshold: null,
      topEntropyQuantile: 1,
      sapoTauPos: 1,
      sapoTauNeg: 1.05,
      vespoKPos: 2,
      vespoLambdaPos: 3,
      vespoKNeg: 3,
      vespoLambdaNeg: 2,
    },
    ...changes,
  };
}

/** `rows` completions of `length` tokens for one prompt, advantages alternating +1 and -1. */
function trainBatch(rows = 4, length = 16, changes = {}) {
  return {
    promptTokens: Int32Array.from([1, 2, 3]),
    promptOffsets: Int32Array.from([0, 3]),
    completionTokens: Int32Array.from(
      { length: rows * length },
      (_, index) => 1 + ((index * 7) % (VOCAB - 1)),
    ),
    completionOffsets: Int32Array.from({ length: rows + 1 }, (_, row) => row * length),
    promptOfRow: new Int32Array(rows),
    advantages: Float32Array.from({ length: rows }, (_, row) => (row % 2 === 0 ? 1 : -1)),
    samplingLogprobs: new Float32Array(0),
    oldLogprobs: new Float32Array(0),
    refLogprobs: new Float32Array(0),
    rowMask: new Uint8Array(0),
    ...changes,
  };
}

/** A step that takes many seconds unless it is stopped. */
const longBatch = () => trainBatch(256, 512);

module.exports = {
  VOCAB,
  writeTinyModel,
  initPolicy,
  generateRequest,
  longRequest,
  trainerOptions,
  trainBatch,
  longBatch,
};
