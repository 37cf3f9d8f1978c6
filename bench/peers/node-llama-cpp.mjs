// node-llama-cpp (llama.cpp): every prompt n times, all sequences in one context and one batch, sampled at temperature 1, end of sequence
// ignored. Each group's prompt is evaluated once; its state is then loaded into the other sequences of the group, which is the cheapest
// way its API has to share a prompt.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { pathToFileURL } from 'node:url';

const write = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);
const reply = (fields) => write(`${JSON.stringify(fields)}\n`);

function peakResidentBytes() {
  try {
    const kilobytes = /VmHWM:\s+(\d+) kB/.exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}

async function main() {
  const workload = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
  const { prompts, n, newTokens, ggufFile, packageFolder, device } = workload;
  const entry = createRequire(path.join(packageFolder, 'package.json')).resolve('node-llama-cpp');
  const { getLlama, LlamaLogLevel } = await import(pathToFileURL(entry).href);
  const llama = await getLlama({
    gpu: device === 'cpu' ? false : 'cuda',
    build: 'never',
    maxThreads: workload.threads,
    logLevel: LlamaLogLevel.error,
  });
  const model = await llama.loadModel({ modelPath: ggufFile, gpuLayers: device === 'cpu' ? 0 : 'max' });
  const rows = prompts.length * n;
  const length = Math.max(...prompts.map((prompt) => prompt.length)) + newTokens + 1;
  /** A context for all rows that computes with so many threads. */
  async function open(threads) {
    const context = await model.createContext({
      sequences: rows,
      contextSize: length,
      batchSize: Math.max(512, rows),
      threads: { ideal: threads, min: threads },
      ignoreMemorySafetyChecks: true,
    });
    return { context, sequences: Array.from({ length: rows }, () => context.getSequence()) };
  }
  let { context, sequences } = await open(workload.threads);
  const folder = fs.mkdtempSync(
    path.join(fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir(), 'tool-r0-bench-'),
  );
  process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));

  /** Fills the sequences of one group with its prompt up to the last token. */
  async function prefill(group) {
    const prompt = prompts[group].slice(0, -1);
    const members = sequences.slice(group * n, (group + 1) * n);
    await members[0].evaluateWithoutGeneratingNewTokens(prompt);
    if (n === 1) return;
    const file = path.join(folder, `group-${group}`);
    await members[0].saveStateToFile(file);
    for (const member of members.slice(1)) await member.loadStateFromFile(file, { acceptRisk: true });
    fs.rmSync(file);
  }

  async function decode(row, seed, count) {
    const prompt = prompts[Math.floor(row / n)];
    const options = { temperature: 1, topK: 0, topP: 1, minP: 0, seed, yieldEogToken: true };
    let input = [prompt[prompt.length - 1]];
    let made = 0;
    // An end-of-generation token ends the iterator: go on from it, so that every row has its length.
    while (made < count) {
      let last;
      for await (const token of sequences[row].evaluate(input, options)) {
        last = token;
        if (++made === count) break;
      }
      input = [last];
    }
    return made;
  }

  async function repetition(index, groups = prompts.length, count = newTokens) {
    for (const sequence of sequences) await sequence.clearHistory();
    const start = process.hrtime.bigint();
    for (let group = 0; group < groups; group++) await prefill(group);
    const prefillSeconds = Number(process.hrtime.bigint() - start) / 1e9;
    const running = sequences.slice(0, groups * n);
    const made = await Promise.all(running.map((_, row) => decode(row, index * rows + row + 1, count)));
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    const tokens = made.reduce((sum, value) => sum + value, 0);
    return { seconds, tokens, phases: { prefillSeconds, decodeSeconds: seconds - prefillSeconds } };
  }

  /** Its threads spin while they wait, which on some machines is slower than one alone: keeps whichever number is faster. */
  async function warmUp() {
    const groups = Math.min(2, prompts.length);
    const all = await repetition(0, groups, 4);
    if (workload.threads === 1 || device !== 'cpu') return all;
    await context.dispose();
    ({ context, sequences } = await open(1));
    const one = await repetition(0, groups, 4);
    if (one.seconds < all.seconds) return one;
    await context.dispose();
    ({ context, sequences } = await open(workload.threads));
    return all;
  }

  const version = JSON.parse(
    fs.readFileSync(path.join(path.dirname(entry), '../package.json'), 'utf8'),
  ).version;
  reply({ ready: true, version, baseResidentBytes: peakResidentBytes() });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    if (!line.trim()) break;
    const request = JSON.parse(line);
    const result = request.warmUp ? await warmUp() : await repetition(request.repetition);
    reply({ ...result, peakResidentBytes: peakResidentBytes(), peakCudaBytes: null });
  }
  process.exit(0);
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  reply({ error: `${error.name}: ${String(error.message).split('\n')[0]}`.slice(0, 300) });
  process.exit(1);
});
