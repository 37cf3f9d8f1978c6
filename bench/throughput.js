'use strict';
// Load, rollout and one GRPO step of a random model of a given shape, through the public API:
//   node bench/throughput.js [--shape qwen2.5-0.5b] [--device auto] [--prompts 8] [--prompt-tokens 128] [--n 8] [--new-tokens 64] [--repeats 1]
// Prints one line per measurement; peak memory is the process's own (VmHWM) and CUDA's.
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');

const { Policy, Trainer, grpoAdvantages } = require('..');
const SHAPES = require('./shapes');

const { values: flags } = parseArgs({
  options: {
    shape: { type: 'string', default: 'embedded' },
    device: { type: 'string', default: 'auto' },
    prompts: { type: 'string', default: '8' },
    'prompt-tokens': { type: 'string', default: '70' },
    n: { type: 'string', default: '8' },
    'new-tokens': { type: 'string', default: '64' },
    repeats: { type: 'string', default: '3' },
  },
});

const seconds = (since) => Number(process.hrtime.bigint() - since) / 1e9;
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const peakMemory = () => {
  const line = fs.readFileSync('/proc/self/status', 'utf8').match(/VmHWM:\s+(\d+) kB/);
  return `${(Number(line?.[1] ?? 0) / 2 ** 20).toFixed(2)} GiB`;
};

async function main() {
  const config = SHAPES[flags.shape];
  if (!config) throw new Error(`--shape must be one of ${Object.keys(SHAPES).join(', ')}`);
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-bench-'));
  fs.writeFileSync(path.join(dir, 'config.json'), JSON.stringify(config));
  try {
    let start = process.hrtime.bigint();
    const policy = await Policy.init(dir, { device: flags.device, seed: 1 });
    console.log(
      `shape ${flags.shape}, ${(policy.info.parameterCount / 1e6).toFixed(2)} M parameters, ${policy.info.device}, ${policy.info.dtype}`,
    );
    console.log(`init              ${seconds(start).toFixed(2)} s`);

    const [prompts, length, n, newTokens, repeats] = [
      flags.prompts,
      flags['prompt-tokens'],
      flags.n,
      flags['new-tokens'],
      flags.repeats,
    ].map(Number);
    let state = 12345;
    const random = () => (state = (state * 1103515245 + 12345) % 2147483648);
    const batch = Array.from({ length: prompts }, () =>
      Array.from({ length }, () => random() % config.vocab_size),
    );
    const rates = [];
    let rollout;
    for (let repeat = 0; repeat <= repeats; repeat++) {
      start = process.hrtime.bigint();
      rollout = await policy.generate(batch, { n, maxNewTokens: newTokens, ignoreEos: true, seed: repeat });
      if (repeat > 0 || repeats === 0) rates.push(rollout.tokens.length / seconds(start)); // the first one warms up
    }
    const { stats } = rollout;
    console.log(
      `rollout           ${prompts} × n=${n}, ${length} + ${newTokens} tokens: ${median(rates).toFixed(0)} tok/s (median of ${rates.length}; ` +
        `prefill ${stats.prefillSeconds.toFixed(2)} s, decode ${stats.decodeSeconds.toFixed(2)} s, KV ${(stats.peakKvBytes / 2 ** 20).toFixed(0)} MiB)`,
    );

    const trainer = await Trainer.create(policy, { learningRate: 1e-6 });
    const rewards = Float64Array.from({ length: rollout.rows }, (_, row) => row % 2);
    const { advantages } = grpoAdvantages(rewards, { groupSize: n });
    start = process.hrtime.bigint();
    const metrics = await trainer.step({ rollout, advantages: Float32Array.from(advantages) });
    const elapsed = seconds(start);
    const tokens = metrics['toolr0/train_tokens'];
    console.log(
      `GRPO step         ${elapsed.toFixed(2)} s for ${tokens} tokens: ${(tokens / elapsed).toFixed(0)} tok/s, loss ${metrics.loss.toExponential(2)}`,
    );
    console.log(`peak memory       ${peakMemory()}`);
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
