import * as fs from 'node:fs';

import type { AddonPolicy, AddonTrainer, NativeAddon } from '../../lib/binding/addon';
import { callNative } from '../../lib/binding/call';
import { loadAddon } from '../../lib/binding/load';
import * as tiny from './tiny-model.js';

let addon: NativeAddon;
let policy: AddonPolicy;
let trainer: AddonTrainer;

beforeAll(async () => {
  addon = loadAddon();
  policy = await tiny.initPolicy(addon);
  trainer = new addon.AddonTrainer();
  await trainer.create(policy, tiny.trainerOptions(), null);
});

afterAll(async () => {
  await trainer.dispose();
  await policy.dispose();
});

/** Calls that break the contract on purpose, hence untyped. */
type Loose = Record<string, (...values: unknown[]) => Promise<unknown>>;
const loose = (object: AddonPolicy | AddonTrainer): Loose => object as unknown as Loose;

const request = tiny.generateRequest;

test.each<[string, () => object, RegExp]>([
  ['no request', () => undefined as unknown as object, /request must be an object/],
  ['a missing field', () => request({ seed: undefined }), /request\.seed must be a number, got nothing/],
  [
    'an array of the wrong type',
    () => request({ promptTokens: new Float64Array(5) }),
    /request\.promptTokens must be Int32Array, got Float64Array/,
  ],
  ['a plain array', () => request({ promptTokens: [1, 2] }), /must be Int32Array, got a plain array/],
  [
    'NaN',
    () => request({ sampling: { temperature: NaN, topK: 0, topP: 1, minP: 0 } }),
    /request\.sampling\.temperature must be a finite number/,
  ],
  ['a fraction', () => request({ maxNewTokens: 1.5 }), /request\.maxNewTokens must be an integer/],
  [
    'zero samples',
    () => request({ samplesPerPrompt: 0 }),
    /request\.samplesPerPrompt must be an integer from 1/,
  ],
  ['a text for a flag', () => request({ ignoreEos: 'yes' }), /request\.ignoreEos must be true or false/],
  [
    'offsets that go back',
    () => request({ promptOffsets: Int32Array.from([0, 5, 3]) }),
    /promptOffsets must not decrease/,
  ],
  [
    'offsets past the end',
    () => request({ promptOffsets: Int32Array.from([0, 9]) }),
    /promptOffsets ends at 9, but there are 5/,
  ],
  [
    'offsets that start late',
    () => request({ promptOffsets: Int32Array.from([1, 5]) }),
    /promptOffsets must start with 0/,
  ],
  [
    'an empty batch',
    () => request({ promptTokens: new Int32Array(0), promptOffsets: Int32Array.from([0]) }),
    /prompt/,
  ],
  ['an empty prompt', () => request({ promptOffsets: Int32Array.from([0, 0, 5]) }), /empty|prompt/],
  [
    'a token outside the vocabulary',
    () => request({ promptTokens: Int32Array.from([1, 2, 3, 4, tiny.VOCAB]) }),
    /512/,
  ],
  ['a negative token', () => request({ promptTokens: Int32Array.from([1, -2, 3, 4, 5]) }), /-2/],
  ['more than the context holds', () => request({ maxNewTokens: 4096 }), /4096|4099/],
  [
    'a stop string without token bytes',
    () => request({ stopStrings: ['x'] }),
    /request\.tokenBytes must be Uint8Array/,
  ],
])('generate refuses %s', async (_name, make, message) => {
  const failed = callNative(() => loose(policy).generate!(make(), null));
  await expect(failed).rejects.toMatchObject({
    code: 'TOOL_R0_CONFIG',
    message: expect.stringMatching(message) as string,
  });
});

test.each<[string, Record<string, unknown>, RegExp]>([
  [
    'a short advantages array',
    { advantages: new Float32Array(3) },
    /batch\.advantages holds 3 values, expected 4/,
  ],
  [
    'a prompt that is not there',
    { promptOfRow: Int32Array.from([0, 0, 1, 0]) },
    /batch\.promptOfRow\[2\] is 1, but there are 1 prompts/,
  ],
  [
    'log-probabilities of another length',
    { oldLogprobs: new Float32Array(5) },
    /batch\.oldLogprobs holds 5 values, expected 64/,
  ],
  [
    'a token outside the vocabulary',
    { promptTokens: Int32Array.from([1, 2, 9999]) },
    /batch\.promptTokens\[2\] is 9999, outside the vocabulary of 512/,
  ],
])('forwardBackward refuses %s', async (_name, changes, message) => {
  const failed = callNative(() =>
    trainer.forwardBackward(tiny.trainBatch(4, 16, changes), new addon.AddonCancelToken()),
  );
  await expect(failed).rejects.toMatchObject({
    code: 'TOOL_R0_CONFIG',
    message: expect.stringMatching(message) as string,
  });
});

test('objects of another class are refused, and methods on a foreign this throw', async () => {
  const empty = new addon.AddonTrainer();
  for (const [wrong, message] of [
    [{}, /policy must be an AddonPolicy/],
    [trainer, /policy must be an AddonPolicy/],
    [new addon.AddonCancelToken(), /policy must be an AddonPolicy/],
  ] as const) {
    await expect(loose(empty).create!(wrong, tiny.trainerOptions(), null)).rejects.toThrow(message);
  }
  await expect(loose(policy).generate!(request(), {})).rejects.toThrow(/cancel must be an AddonCancelToken/);
  expect(() => loose(policy).generate!.call(trainer, request(), null)).toThrow(/Illegal invocation/);
});

test('an empty policy and an empty trainer say so', async () => {
  const empty = new addon.AddonPolicy();
  await expect(empty.generate(request(), new addon.AddonCancelToken())).rejects.toThrow(
    /load\(\) or init\(\)/,
  );
  await expect(new addon.AddonTrainer().optimStep(-1)).rejects.toThrow(/create\(\)/);
});

test('CUDA is never replaced by the CPU in silence, and unknown devices and dtypes are refused', async () => {
  const dir = tiny.writeTinyModel();
  const init = (device: string, dtype: string) =>
    callNative(() => new addon.AddonPolicy().init(dir, { device, dtype, seed: 0 }));
  if (addon.cudaDevices().length === 0) {
    await expect(init('cuda', 'auto')).rejects.toMatchObject({
      name: 'DeviceError',
      message: expect.stringContaining('--device cpu') as string,
    });
  }
  await expect(init('tpu', 'auto')).rejects.toMatchObject({
    name: 'ConfigError',
    message: expect.stringContaining('cuda:N') as string,
  });
  await expect(init('cpu', 'int4')).rejects.toMatchObject({
    name: 'ConfigError',
    message: expect.stringContaining('bfloat16') as string,
  });
  fs.rmSync(dir, { recursive: true });
});

test('a trainer keeps its model when the policy is disposed first; disposed objects reject', async () => {
  const parent = await tiny.initPolicy(addon);
  const child = new addon.AddonTrainer();
  await child.create(parent, tiny.trainerOptions(), null);
  await parent.dispose();
  await parent.dispose();
  await expect(
    callNative(() => parent.generate(request(), new addon.AddonCancelToken())),
  ).rejects.toMatchObject({ name: 'DisposedError' });
  await child.forwardBackward(tiny.trainBatch(), new addon.AddonCancelToken());
  expect((await child.optimStep(-1)).step).toBe(1);
  await child.dispose();
  await expect(callNative(() => child.optimStep(-1))).rejects.toMatchObject({ code: 'TOOL_R0_DISPOSED' });
  await expect(new addon.AddonTrainer().create(parent, tiny.trainerOptions(), null)).rejects.toThrow(
    /disposed/,
  );
});

test('failures inside libtorch reach JS without a C++ backtrace', async () => {
  const failed = callNative(() => policy.saveWeights('/proc/nowhere/model.safetensors', 'float32'));
  await expect(failed).rejects.toMatchObject({ code: 'TOOL_R0_IO' });
  await expect(failed).rejects.not.toThrow(/frame #|c10::/);
});
