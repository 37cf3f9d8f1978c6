import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { Worker } from 'node:worker_threads';

import { loadAddon } from '../binding/load';
import { Policy } from '../policy/policy';

/** What this machine can do at most. null = not known. (A type: it is recorded with a run's result.) */
export type MachineLimits = {
  name: string;
  /** Floating-point operations a second in matrix products of the dtype. */
  flops: number | null;
  /** Bytes a second read from memory and written to it by a copy. */
  bytesPerSecond: number | null;
};

/** Cards whose limits were measured with PyTorch: dense bf16 and a device-to-device copy. */
const CARDS: readonly { name: RegExp; flops: number; bytesPerSecond: number }[] = [
  { name: /H200/, flops: 790e12, bytesPerSecond: 4.3e12 },
];

/** A model that is nothing but matrix products: one layer, next to no vocabulary. */
const PROBE = {
  architectures: ['Qwen2ForCausalLM'],
  model_type: 'qwen2',
  hidden_act: 'silu',
  hidden_size: 1024,
  intermediate_size: 4096,
  num_hidden_layers: 1,
  num_attention_heads: 8,
  num_key_value_heads: 1,
  vocab_size: 32,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  tie_word_embeddings: true,
};
const PROBE_SEQUENCES = 32;
const PROBE_LENGTH = 32;
/** Other work on the machine makes single runs slow; the best of some is its limit. */
const PROBE_RUNS = 8;
const PROBE_WEIGHTS = 1024 * (2 * 1024 + 2 * 128) + 3 * 1024 * 4096;

/**
 * The best of a few forward passes of a layer that is nearly all matrix products, at the sizes training has. A few per cent below what a
 * bare product reaches.
 */
async function measureFlops(device: string, dtype: string): Promise<number> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-probe-'));
  try {
    fs.writeFileSync(path.join(dir, 'config.json'), JSON.stringify(PROBE));
    const policy = await Policy.init(dir, { device: device as 'cpu', dtype: dtype as 'float32', seed: 1 });
    const sequences = Array.from({ length: PROBE_SEQUENCES }, (_, row) =>
      Array.from({ length: PROBE_LENGTH }, (_, index) => (row * 7 + index * 3) % PROBE.vocab_size),
    );
    let best = Infinity;
    for (let run = 0; run < PROBE_RUNS; run++) {
      const start = process.hrtime.bigint();
      await policy.logprobs(sequences);
      best = Math.min(best, Number(process.hrtime.bigint() - start) / 1e9);
    }
    await policy.dispose();
    return (2 * PROBE_WEIGHTS * PROBE_SEQUENCES * PROBE_LENGTH) / best;
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

/** Copies a block much larger than a cache again and again; started on every core at once. */
const COPY = `
const { parentPort, workerData } = require('node:worker_threads');
const from = new Float64Array(workerData.bytes / 8).fill(1);
const to = new Float64Array(from.length);
to.set(from);
parentPort.once('message', () => {
  let best = Infinity;
  for (let run = 0; run < 4; run++) {
    const start = process.hrtime.bigint();
    to.set(from);
    best = Math.min(best, Number(process.hrtime.bigint() - start) / 1e9);
  }
  parentPort.postMessage(best);
});
parentPort.postMessage('ready');
`;
/** Of all threads together; twice that is held for a moment. */
const COPY_BYTES = 64 * 2 ** 20;

async function measureCopy(threads: number): Promise<number> {
  const bytes = Math.floor(COPY_BYTES / threads / 8) * 8;
  const workers = Array.from(
    { length: threads },
    () => new Worker(COPY, { eval: true, workerData: { bytes } }),
  );
  const message = (worker: Worker) =>
    new Promise<unknown>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  try {
    await Promise.all(workers.map(message));
    const seconds = await Promise.all(
      workers.map((worker) => {
        const answer = message(worker);
        worker.postMessage('go');
        return answer;
      }),
    );
    return (seconds as number[]).reduce((sum, value) => sum + (2 * bytes) / value, 0);
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

const measured = new Map<string, Promise<MachineLimits>>();

/** Measures the machine in about half a second, once per process; a known GPU has its published measurements. */
export function machineLimits(device: string, dtype: string): Promise<MachineLimits> {
  const key = `${device} ${dtype}`;
  const known = measured.get(key) ?? measure(device, dtype);
  measured.set(key, known);
  return known;
}

async function measure(device: string, dtype: string): Promise<MachineLimits> {
  if (device === 'cpu') {
    const cores = os.availableParallelism();
    const flops = await measureFlops(device, dtype);
    return {
      name: os.cpus()[0]?.model ?? 'CPU',
      flops,
      bytesPerSecond: await measureCopy(Math.min(cores, 16)),
    };
  }
  const index = Number(/^cuda:(\d+)$/.exec(device)?.[1] ?? 0);
  const name = loadAddon().cudaDevices()[index]?.name ?? 'CUDA device';
  const card = CARDS.find((known) => known.name.test(name));
  const flops = card && dtype === 'bfloat16' ? card.flops : await measureFlops(device, dtype);
  return { name, flops, bytesPerSecond: card?.bytesPerSecond ?? null };
}
