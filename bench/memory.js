'use strict';
// Measured against planned memory, and whether it stays flat, through the public API; one shape per process:
//   node bench/memory.js [--shape embedded] [--dtype float32] [--prompts 16] [--n 8] [--prompt-tokens 70] [--new-tokens 80]
//                        [--checkpointing] [--steps 200] [--json]
// Each phase's peak is the process's own (VmHWM, set back before the phase). `--steps N` then repeats rollout and step N times and
// compares resident memory and the JavaScript heap after a tenth of them with those at the end. Linux.
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');

const { Policy, Trainer, grpoAdvantages } = require('..');
const { modelSize } = require('../dist/report/model-size');
const { rolloutMemory, total, trainingMemory } = require('../dist/report/memory-plan');
const { SHAPES } = require('../dist/bench/shapes');

const { values: flags } = parseArgs({
  options: {
    shape: { type: 'string', default: 'embedded' },
    dtype: { type: 'string', default: 'float32' },
    prompts: { type: 'string', default: '16' },
    n: { type: 'string', default: '8' },
    'prompt-tokens': { type: 'string', default: '70' },
    'new-tokens': { type: 'string', default: '80' },
    checkpointing: { type: 'boolean', default: false },
    steps: { type: 'string', default: '0' },
    json: { type: 'boolean', default: false },
  },
});

const status = (key) =>
  1024 * Number(fs.readFileSync('/proc/self/status', 'utf8').match(new RegExp(`${key}:\\s+(\\d+) kB`))[1]);
/** Peak resident bytes while `work` runs. */
async function peakOf(work) {
  fs.writeFileSync('/proc/self/clear_refs', '5');
  const result = await work();
  return { result, peak: status('VmHWM') };
}
function resting() {
  global.gc?.();
  return { resident: status('VmRSS'), heap: process.memoryUsage().heapUsed };
}

async function main() {
  const config = SHAPES[flags.shape];
  if (!config) throw new Error(`--shape must be one of ${Object.keys(SHAPES).join(', ')}`);
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-memory-'));
  fs.writeFileSync(path.join(dir, 'config.json'), JSON.stringify(config));
  const [prompts, n, promptTokens, newTokens, steps] = [
    flags.prompts,
    flags.n,
    flags['prompt-tokens'],
    flags['new-tokens'],
    flags.steps,
  ].map(Number);
  try {
    const policy = await Policy.init(dir, { device: 'cpu', dtype: flags.dtype, seed: 1 });
    const size = modelSize(dir);
    const device = { cuda: false, weightBytes: flags.dtype === 'float32' ? 4 : 2, totalBytes: os.totalmem() };
    let state = 12345;
    const random = () => (state = (state * 1103515245 + 12345) % 2147483648);
    const batch = Array.from({ length: prompts }, () =>
      Array.from({ length: promptTokens }, () => random() % config.vocab_size),
    );
    const generate = (seed, longest = newTokens) =>
      policy.generate(batch, { n, maxNewTokens: longest, ignoreEos: true, seed });
    const advantagesOf = (rollout) =>
      Float32Array.from(
        grpoAdvantages(
          Float64Array.from({ length: rollout.rows }, () => random() % 2),
          { groupSize: n },
        ).advantages,
      );

    const rolled = await peakOf(() => generate(0));
    const sequences = prompts * n;
    const rolloutPlan = rolloutMemory(
      size,
      device,
      { prompts, promptTokens, sequences, newTokens, maxKvBytes: 0 },
      { policies: 1, trainers: 0 },
    );
    const trainer = await Trainer.create(policy, {
      learningRate: 1e-6,
      activationCheckpointing: flags.checkpointing,
    });
    const advantages = Float32Array.from({ length: sequences }, (_, row) => (row % 2 === 0 ? 1 : -1));
    const trained = await peakOf(() => trainer.step({ rollout: rolled.result, advantages }));
    // Groups are not split while they fit the budget of 2,048 tokens.
    const group = promptTokens + n * (newTokens - 1);
    const groups = Math.min(prompts, Math.max(1, Math.floor(2048 / group)));
    const trainingPlan = trainingMemory(
      size,
      device,
      {
        tokens: Math.min(2048, groups * group),
        scored: groups * n * newTokens,
        checkpointing: flags.checkpointing,
      },
      { policies: 1, trainers: 1 },
    );
    const rows = [
      { phase: 'rollout', planned: total(rolloutPlan), measured: rolled.peak, terms: rolloutPlan },
      { phase: 'training step', planned: total(trainingPlan), measured: trained.peak, terms: trainingPlan },
    ];

    let flat;
    if (steps > 0) {
      let early;
      for (let step = 1; step <= steps; step++) {
        const rollout = await generate(step, 1 + (random() % newTokens)); // ragged from step to step
        await trainer.step({ rollout, advantages: advantagesOf(rollout) });
        if (step === Math.ceil(steps / 10)) early = resting();
      }
      const late = resting();
      flat = { steps, residentGrowth: late.resident - early.resident, heapGrowth: late.heap - early.heap };
    }
    if (flags.json) process.stdout.write(`${JSON.stringify({ rows, flat })}\n`);
    else {
      for (const { phase, planned, measured } of rows) {
        console.log(
          `${phase.padEnd(14)} planned ${(planned / 1e9).toFixed(3)} GB, measured ${(measured / 1e9).toFixed(3)} GB (${((100 * planned) / measured - 100).toFixed(1)} %)`,
        );
      }
      if (flat) {
        console.log(
          `${flat.steps} steps     resident memory ${(flat.residentGrowth / 1e6).toFixed(1)} MB, heap ${(flat.heapGrowth / 1e6).toFixed(1)} MB more than after a tenth of them`,
        );
      }
    }
    await trainer.dispose();
    await policy.dispose();
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
