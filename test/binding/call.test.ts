import * as vm from 'node:vm';

import type { AddonPolicy, NativeAddon } from '../../lib/binding/addon';
import { adoptArrays, callNative, callNativeSync, withCancel } from '../../lib/binding/call';
import { AbortedError, ConfigError } from '../../lib/binding/errors';
import { loadAddon } from '../../lib/binding/load';
import * as tiny from './tiny-model.js';

let addon: NativeAddon;
let policy: AddonPolicy;

beforeAll(async () => {
  addon = loadAddon();
  policy = await tiny.initPolicy(addon);
});

afterAll(async () => {
  await policy.dispose();
});

test('the loaded libtorch is the one the addon was built for', () => {
  const build = addon.buildInfo();
  expect(build.abiCompiled).toBe(build.abiLoaded);
  expect(build.abiCompiled).toMatch(/^0x020[bcde]/);
  expect(addon.memoryStats().cudaAllocatedBytes).toBeGreaterThanOrEqual(0);
});

test('the same seed gives the same tokens, and results belong to JavaScript', async () => {
  const generate = () =>
    callNative(() => policy.generate(tiny.generateRequest(), new addon.AddonCancelToken()));
  const [first, second] = [await generate(), await generate()];
  expect(first.tokens).toEqual(second.tokens);
  expect(first.tokens).toBeInstanceOf(Int32Array);
  expect([...first.offsets]).toEqual([0, 8, 16, 24, 32]);
  expect(first.logprobs.every((value) => value <= 0)).toBe(true);
  expect([...first.finishReasons]).toEqual([1, 1, 1, 1]);
  structuredClone(first.tokens, { transfer: [first.tokens.buffer as ArrayBuffer] });
  expect(first.tokens).toHaveLength(0);
});

test('tokens and finished completions stream in order', async () => {
  const tokens: number[][] = [[], [], [], []];
  const finished = new Map<number, number[]>();
  const result = await policy.generate(
    tiny.generateRequest(),
    new addon.AddonCancelToken(),
    (row, token) => tokens[row]!.push(token),
    (row, completion) => finished.set(row, [...completion]),
  );
  for (let row = 0; row < 4; row += 1) {
    const expected = [...result.tokens.subarray(result.offsets[row], result.offsets[row + 1])];
    expect(tokens[row]).toEqual(expected);
    expect(finished.get(row)).toEqual(expected);
  }
});

test('a callback that throws stops the generation, and its error is the rejection', async () => {
  const mine = new RangeError('from the callback');
  const generation = policy.generate(tiny.longRequest(), new addon.AddonCancelToken(), () => {
    throw mine;
  });
  await expect(generation).rejects.toBe(mine);
});

test('an AbortSignal stops the work; its reason is the cause and no listener stays', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const added = jest.spyOn(signal, 'addEventListener');
  const removed = jest.spyOn(signal, 'removeEventListener');
  const run = withCancel(signal, (cancel) => callNative(() => policy.generate(tiny.longRequest(), cancel)));
  setTimeout(() => {
    controller.abort(new Error('enough'));
  }, 50);
  await expect(run).rejects.toMatchObject({ name: 'AbortedError', cause: { message: 'enough' } });
  expect(removed).toHaveBeenCalledTimes(added.mock.calls.length);
  const again = withCancel(signal, (cancel) => callNative(() => policy.generate(tiny.longRequest(), cancel)));
  await expect(again).rejects.toBeInstanceOf(AbortedError);
});

test('work is done in the order it was asked for', async () => {
  const order: number[] = [];
  await Promise.all(
    [1, 2, 3, 4].map(async (job) => {
      await policy.logprobs(
        Int32Array.from([1, 2, 3]),
        Int32Array.from([0, 3]),
        { temperature: 1, tokenBudget: 64 },
        new addon.AddonCancelToken(),
      );
      order.push(job);
    }),
  );
  expect(order).toEqual([1, 2, 3, 4]);
});

test('log-probabilities agree with the logits', async () => {
  const tokens = Int32Array.from([5, 9, 200, 31]);
  const logits = await policy.logits(tokens);
  const { logprobs } = await policy.logprobs(
    tokens,
    Int32Array.from([0, 4]),
    { temperature: 1, tokenBudget: 64 },
    new addon.AddonCancelToken(),
  );
  for (let t = 0; t + 1 < tokens.length; t += 1) {
    const row = logits.subarray(t * tiny.VOCAB, (t + 1) * tiny.VOCAB);
    const lse = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
    expect(logprobs[t]).toBeCloseTo(row[tokens[t + 1]!]! - lse, 4);
  }
  expect(logprobs[3]).toBe(0);
});

test('synchronous functions throw errors of this realm', () => {
  const call = () =>
    callNativeSync(() =>
      addon.grpoAdvantages(new Float32Array(3), 2, {
        groupSize: 1,
        scaleRewards: 'group',
        multiObjectiveAggregation: 'sum_then_normalize',
        rewardWeights: [],
        device: 'cpu',
      }),
    );
  expect(call).toThrow(ConfigError);
  expect(call).toThrow(/not a multiple of 2/);
});

test('arrays of another realm become arrays of this one, without a copy', () => {
  const foreign = vm.runInNewContext(
    '({ inner: { array: new Float64Array([1, 2]) }, list: [new BigInt64Array(1)], text: "x" })',
  ) as {
    inner: { array: Float64Array };
    list: BigInt64Array[];
  };
  const { buffer } = foreign.inner.array;
  const adopted = adoptArrays(foreign);
  expect(adopted.inner.array).toBeInstanceOf(Float64Array);
  expect(adopted.inner.array.buffer).toBe(buffer);
  expect(adopted.list[0]).toBeInstanceOf(BigInt64Array);
});
