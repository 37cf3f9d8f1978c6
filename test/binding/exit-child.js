'use strict';
// node exit-child.js SCENARIO: one way for a process to end while native work runs. The parent checks exit code, time and that
// nothing crashed.
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Worker, isMainThread, workerData, parentPort } = require('node:worker_threads');
const { setTimeout: sleep } = require('node:timers/promises');
const { monitorEventLoopDelay, performance } = require('node:perf_hooks');

const { loadAddon } = require('../../dist/binding/load.js');
const tiny = require('./tiny-model.js');

/** Starts a long step and resolves when it is under way. Its own promise is left to its fate. */
async function startStep(addon) {
  const policy = await tiny.initPolicy(addon);
  const trainer = new addon.AddonTrainer();
  await trainer.create(policy, tiny.trainerOptions(), null);
  trainer.forwardBackward(tiny.longBatch(), new addon.AddonCancelToken()).catch(() => {});
  await sleep(200);
}

function startWorker(job) {
  const worker = new Worker(__filename, { workerData: { job } });
  const message = new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  return { worker, message };
}

const scenarios = {
  async exitDuringStep() {
    await startStep(loadAddon());
    process.exit(7);
  },
  async exitWithQueue() {
    const addon = loadAddon();
    const policy = await tiny.initPolicy(addon);
    for (let job = 0; job < 5; job += 1) policy.generate(tiny.longRequest(), null).catch(() => {});
    await sleep(100);
    process.exitCode = 5;
    process.exit();
  },
  async uncaughtDuringStep() {
    await startStep(loadAddon());
    throw new Error('on purpose');
  },
  async sigtermDuringStep() {
    await startStep(loadAddon());
    console.log('started');
    await sleep(60_000);
  },
  async naturalExit() {
    const addon = loadAddon();
    const policy = await tiny.initPolicy(addon);
    const { tokens } = await policy.generate(tiny.generateRequest(), null);
    console.log(tokens.length);
  },
  async abortDuringDecode() {
    const addon = loadAddon();
    const policy = await tiny.initPolicy(addon);
    const cancel = new addon.AddonCancelToken();
    setTimeout(() => cancel.cancel(), 200);
    const error = await policy.generate(tiny.longRequest(), cancel).catch((reason) => reason);
    if (error.code !== 'TOOL_R0_ABORTED') throw error;
    const early = new addon.AddonCancelToken();
    setTimeout(() => early.cancel(), 200);
    const partial = await policy.generate(tiny.longRequest({ returnPartialOnAbort: true }), early);
    if (!partial.finishReasons.includes(2) || partial.tokens.length === 0)
      throw new Error('no partial result');
  },
  async disposeDuringSave() {
    const addon = loadAddon();
    const policy = await tiny.initPolicy(addon, { hidden_size: 512, intermediate_size: 2048 });
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-save-'));
    const file = path.join(dir, 'model.safetensors');
    const saved = policy.saveWeights(file, 'float32');
    const disposed = policy.dispose();
    const late = await policy.saveWeights(file, 'float32').catch((reason) => reason);
    if (late.code !== 'TOOL_R0_DISPOSED') throw new Error(`expected TOOL_R0_DISPOSED, got ${late.code}`);
    await Promise.all([saved, disposed]);
    const entries = fs.readdirSync(dir);
    const size = fs.statSync(file).size;
    fs.rmSync(dir, { recursive: true });
    if (entries.length !== 1 || size < 1e6) throw new Error(`saved ${entries} of ${size} bytes`);
  },
  // Only the worker loads the addon: Node unloads its library when the worker ends.
  async terminateWorkerDuringJob() {
    const { worker, message } = startWorker('step');
    await message;
    const code = await worker.terminate();
    if (code !== 1) throw new Error(`terminate gave ${code}`);
    await sleep(100);
  },
  async exitWhileWorkerWorks() {
    loadAddon();
    const { message } = startWorker('step');
    await message;
    process.exit(4);
  },
  async twoWorkers() {
    const both = [startWorker('generate'), startWorker('generate')];
    const [first, second] = await Promise.all(both.map(({ message }) => message));
    if (first.length === 0 || first.join() !== second.join()) throw new Error('workers disagree');
  },
  async eventLoopDelay() {
    const addon = loadAddon();
    const policy = await tiny.initPolicy(addon);
    const trainer = new addon.AddonTrainer();
    await trainer.create(policy, tiny.trainerOptions(), null);
    const histogram = monitorEventLoopDelay({ resolution: 5 });
    histogram.enable();
    const started = performance.now();
    let tokens = 0;
    const request = tiny.generateRequest({ samplesPerPrompt: 16, maxNewTokens: 200 });
    await policy.generate(request, null, () => (tokens += 1));
    await trainer.forwardBackward(tiny.trainBatch(32, 200), new addon.AddonCancelToken());
    await trainer.optimStep(-1);
    histogram.disable();
    const milliseconds = (nanoseconds) => nanoseconds / 1e6;
    console.log(
      JSON.stringify({
        tokens,
        seconds: (performance.now() - started) / 1000,
        p99: milliseconds(histogram.percentile(99)),
        max: milliseconds(histogram.max),
      }),
    );
  },
};

const jobs = {
  async step() {
    await startStep(loadAddon());
    parentPort.postMessage('started');
    await sleep(60_000);
  },
  async generate() {
    const policy = await tiny.initPolicy(loadAddon());
    parentPort.postMessage([...(await policy.generate(tiny.generateRequest(), null)).tokens]);
  },
};

if (isMainThread) void scenarios[process.argv[2]]();
else void jobs[workerData.job]();
