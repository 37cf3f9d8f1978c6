import type { EvaluationPolicy, EvaluationRequest } from '../../lib/eval/evaluate';
import { watchedPolicy, type WaitingProgress } from '../../lib/eval/session/watched-policy';
import type { GenerateOptions } from '../../lib/policy/policy';

const request: EvaluationRequest = {
  n: 1,
  maxNewTokens: 8,
  temperature: 1,
  topP: 1,
  topK: 0,
  minP: 0,
  seed: 5,
  maxBatch: 0,
  maxKvBytes: 0,
};

/** Answers [prompt, number of the call, sample of the call]; two rows are unfinished when `delay` begins. */
function policy(delay = 0) {
  const calls: (EvaluationRequest & Pick<GenerateOptions, 'onFinish'>)[] = [];
  const told: EvaluationPolicy = {
    info: { maxPositionEmbeddings: 64 },
    tokenizer: { encodeChat: () => [], decode: () => '' },
    async generate(prompts, options: EvaluationRequest & Pick<GenerateOptions, 'onFinish'>) {
      const call = calls.push(options) - 1;
      const rows = prompts.flatMap(([prompt]) =>
        Array.from({ length: options.n }, (_, sample) => Int32Array.of(prompt!, call, sample)),
      );
      rows.slice(2).forEach((row, index) => options.onFinish?.(index, row, 'stop'));
      if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
      return {
        row: (index) => rows[index]!,
        finishReasons: rows.map(() => (call === 1 ? ('length' as const) : ('stop' as const))),
        tokens: Int32Array.from(rows.flatMap((row) => [...row])),
      };
    },
  };
  return { calls, told };
}

test('a request of no more than the batch is passed on as it is', async () => {
  const { calls, told } = policy();
  await watchedPolicy(told, { most: 8 }).generate([[1], [2]], { ...request, n: 4 });
  expect(calls).toEqual([{ ...request, n: 4 }]);
});

test('many samples are asked for in parts, each with a seed of its own, the same every time', async () => {
  const ask = async () => {
    const { calls, told } = policy();
    const answers = await watchedPolicy(told, { most: 8 }).generate([[1], [2]], { ...request, n: 10 });
    return { calls, answers };
  };
  const { calls, answers } = await ask();
  expect(calls.map(({ n }) => n)).toEqual([4, 4, 2]);
  const seeds = calls.map(({ seed }) => seed);
  expect(new Set(seeds).size).toBe(3);
  expect((await ask()).calls.map(({ seed }) => seed)).toEqual(seeds);
  // Row = prompt * 10 + sample, whichever call it came from.
  const rows = Array.from({ length: 20 }, (_, index) => [...answers.row(index)]);
  const samples = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((sample) => [Math.floor(sample / 4), sample % 4]);
  expect(rows).toEqual([1, 2].flatMap((prompt) => samples.map((place) => [prompt, ...place])));
  expect(answers.finishReasons.slice(0, 10).join()).toBe(
    'stop,stop,stop,stop,length,length,length,length,stop,stop',
  );
  expect(answers.tokens).toHaveLength(60);
});

test('one who waits is told how many answers there are, at growing intervals', async () => {
  const { told } = policy(200);
  const heard: WaitingProgress[] = [];
  const options = { most: 8, patience: 20, onWaiting: (progress: WaitingProgress) => heard.push(progress) };
  await watchedPolicy(told, options).generate([[1], [2]], { ...request, n: 3 });
  // After 20, 60 and 140 ms; a slow machine may tell less often, never more.
  expect(heard.length).toBeGreaterThan(0);
  expect(heard.length).toBeLessThanOrEqual(3);
  expect(heard[0]).toEqual({ answered: 4, total: 6 });
  const before = heard.length;
  await new Promise((resolve) => setTimeout(resolve, 250));
  expect(heard).toHaveLength(before);
});

test('a fast policy is not asked for a word per answer again', async () => {
  const { calls, told } = policy();
  const watched = watchedPolicy(told, { most: 8, patience: 1000, onWaiting: () => undefined });
  for (let time = 0; time < 3; time++) await watched.generate([[1], [2]], { ...request, n: 4 });
  expect(calls.map(({ onFinish }) => onFinish !== undefined)).toEqual([true, false, false]);
});

test('a slow one is', async () => {
  const { calls, told } = policy(30);
  const watched = watchedPolicy(told, { most: 8, patience: 20, onWaiting: () => undefined });
  for (let time = 0; time < 2; time++) await watched.generate([[1], [2]], { ...request, n: 4 });
  expect(calls.map(({ onFinish }) => onFinish !== undefined)).toEqual([true, true]);
});

test('parts that are done are counted, also where single answers are not', async () => {
  const { calls, told } = policy();
  const heard: number[] = [];
  let tell: () => void = () => undefined;
  const isTold = new Promise<void>((resolve) => (tell = resolve));
  const slowLater: EvaluationPolicy = {
    ...told,
    async generate(...asked) {
      if (calls.length === 2) await isTold;
      return told.generate(...asked);
    },
  };
  const onWaiting = ({ answered }: WaitingProgress) => {
    if (calls.length === 2) tell();
    heard.push(answered);
  };
  await watchedPolicy(slowLater, { most: 2, patience: 400, onWaiting }).generate([[1]], { ...request, n: 6 });
  // The fake names no single answer of so small a part: those of the first are never counted, those of the second as a whole.
  expect(calls.map(({ onFinish }) => onFinish !== undefined)).toEqual([true, false, false]);
  expect(heard[0]).toBe(2);
});

test('nobody is told of a short batch', async () => {
  const heard: WaitingProgress[] = [];
  await watchedPolicy(policy().told, { most: 8, onWaiting: (progress) => heard.push(progress) }).generate(
    [[1]],
    request,
  );
  expect(heard).toEqual([]);
});
