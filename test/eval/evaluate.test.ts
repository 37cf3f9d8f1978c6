import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { AbortedError, ConfigError } from '../../lib/binding/errors';
import {
  evaluate,
  type EvaluationPolicy,
  type EvaluateOptions,
  type EvaluationUpdate,
} from '../../lib/eval/evaluate';
import type { NeutralRecord } from '../../lib/eval/neutral-record';
import { summarize } from '../../lib/eval/summary';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-eval-'));
afterAll(() => fs.rmSync(dir, { recursive: true }));

const records = Array.from({ length: 10 }, (_, index): NeutralRecord => ({
  id: `q${index}`,
  question: `What is ${index}?`,
  tools: ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, parameters: {} })),
  gold: [{ name: 'a', arguments: { n: index } }],
}));

const answerText = (n: number) =>
  `<tool_call_answer>[{"name": "a", "arguments": {"n": ${n}}}]</tool_call_answer>`;

/** Answers question i rightly where `right(i, seed, sample)`; prompts are the characters of the chat. */
class FakePolicy implements EvaluationPolicy {
  readonly dir = dir;
  readonly info = { maxPositionEmbeddings: 4096 };
  readonly asked: { prompts: string[]; options: Parameters<EvaluationPolicy['generate']>[1] }[] = [];
  readonly tokenizer = {
    encodeChat: (
      messages: readonly { content?: unknown }[],
      options: { tools?: readonly unknown[] | null } = {},
    ) => {
      const text = messages.map(({ content }) => content).join('\n') + JSON.stringify(options.tools ?? '');
      return [...text].map((character) => character.codePointAt(0)!);
    },
    decode: (ids: ArrayLike<number>) => String.fromCodePoint(...Array.from(ids)),
  };

  constructor(
    private readonly right: (question: number, seed: number, sample: number) => boolean = () => true,
  ) {}

  async generate(
    prompts: readonly (readonly number[])[],
    options: Parameters<EvaluationPolicy['generate']>[1],
  ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (options.signal?.aborted) throw new AbortedError('aborted');
    const texts = prompts.map((prompt) => this.tokenizer.decode(prompt));
    this.asked.push({ prompts: texts, options });
    const { n = 1, seed = 0 } = options;
    const rows = texts.flatMap((text) => {
      const question = Number(/What is (\d+)\?/.exec(text)![1]);
      return Array.from({ length: n }, (_, sample) =>
        answerText(this.right(question, seed, sample) ? question : -1),
      );
    });
    return {
      row: (index: number) =>
        Int32Array.from([...rows[index]!].map((character) => character.codePointAt(0)!)),
      finishReasons: rows.map(() => 'stop' as const),
      tokens: new Int32Array(rows.length),
    };
  }
}

async function run(policy: EvaluationPolicy, options: EvaluateOptions = {}, tasks = records) {
  const updates: EvaluationUpdate[] = [];
  for await (const update of evaluate(policy, tasks, { maxNewTokens: 16, ...options })) updates.push(update);
  return { updates, results: updates.flatMap(({ results }) => results) };
}

test('hands over partial results, in order, whatever the batch size', async () => {
  const whole = await run(new FakePolicy((question) => question % 3 > 0));
  for (const batch of [1, 3, 10, 100]) {
    const { updates, results } = await run(new FakePolicy((question) => question % 3 > 0), { batch });
    expect(results).toEqual(whole.results);
    expect(updates).toHaveLength(Math.ceil(10 / batch));
    expect(updates.map(({ done }) => done).at(-1)).toBe(10);
    expect(updates.at(-1)!.accuracy).toBe(0.6);
  }
});

test('is greedy by default, and asks with the training prompt of the model folder', async () => {
  const policy = new FakePolicy();
  await run(policy);
  expect(policy.asked[0]!.options).toMatchObject({ temperature: 0, n: 1, maxNewTokens: 16 });
  expect(policy.asked[0]!.prompts[0]).toContain('You are an assistant that acts by calling tools.');
  expect(policy.asked[0]!.prompts.join()).not.toContain('"n":0');
});

test('a native prompt gives the tools to the chat template as OpenAI functions', async () => {
  const policy = new FakePolicy();
  await run(policy, { style: 'native' });
  expect(policy.asked[0]!.prompts[0]).toMatch(/^What is 0\?\[\{"type":"function","function":\{"name":"a"/);
  const blind = new FakePolicy();
  blind.tokenizer.encodeChat = (messages) => [...String(messages[0]!.content)].map((c) => c.codePointAt(0)!);
  await expect(run(blind, { style: 'native' })).rejects.toThrow(/does not render tools/);
});

test('menus are shuffled the same way for the same seed, whatever else is asked', async () => {
  const menu = async (options: EvaluateOptions, tasks = records) => {
    const policy = new FakePolicy();
    await run(policy, { style: 'native', ...options }, tasks);
    const prompts = policy.asked.flatMap((asked) => asked.prompts);
    const prompt = prompts.find((text) => text.startsWith('What is 7?'))!;
    return [...prompt.matchAll(/"name":"(\w)"/g)].map((match) => match[1]).join('');
  };
  expect(await menu({})).toBe('abcde');
  const shuffled = await menu({ candidates: 'shuffled', seed: 1 });
  expect(shuffled).not.toBe('abcde');
  expect(await menu({ candidates: 'shuffled', seed: 1, batch: 2 }, records.slice(5))).toBe(shuffled);
  expect(await menu({ candidates: 'shuffled', seed: 2 })).not.toBe(shuffled);
});

test('sampled answers: the same for the same seed and batch', async () => {
  const lucky = (question: number, seed: number, sample: number) => (seed + question + sample) % 2 === 0;
  const sampled = { samples: 4, temperature: 1, batch: 12 };
  const first = await run(new FakePolicy(lucky), { ...sampled, seed: 5 });
  expect((await run(new FakePolicy(lucky), { ...sampled, seed: 5 })).results).toEqual(first.results);
  expect(first.results.every(({ answers }) => answers.length === 4)).toBe(true);
});

test('what does not fit the context is not asked, but counted', async () => {
  const policy = new FakePolicy();
  const long = { ...records[3]!, question: `${'x'.repeat(5000)} What is 3?` };
  const { updates, results } = await run(policy, { batch: 5 }, records.with(3, long));
  expect(updates[0]!.tooLong).toEqual(['q3']);
  expect(updates.map(({ done }) => done)).toEqual([5, 10]);
  expect(results).toHaveLength(9);
  expect(summarize({ records, runs: [results], tooLong: 1 })).toMatchObject({
    accuracy: 1,
    tasks: 9,
    tooLong: 1,
  });
});

test('an interrupted evaluation goes on where whole batches ended', async () => {
  const lucky = (question: number, seed: number) => (seed + question) % 2 === 0;
  const options = { samples: 2, temperature: 1, batch: 8 };
  const whole = await run(new FakePolicy(lucky), options);
  const policy = new FakePolicy(lucky);
  const { results, updates } = await run(policy, {
    ...options,
    done: new Set(['q0', 'q1', 'q2', 'q3', 'q4']),
  });
  expect(policy.asked).toHaveLength(2);
  expect(results).toEqual(whole.results.slice(4));
  expect(updates.map(({ done }) => done)).toEqual([4, 8, 10]);
});

test('an abort ends it with AbortedError after the results so far', async () => {
  const controller = new AbortController();
  const seen: string[] = [];
  const loop = (async () => {
    for await (const { results } of evaluate(new FakePolicy(), records, {
      batch: 2,
      maxNewTokens: 16,
      signal: controller.signal,
    })) {
      seen.push(...results.map(({ id }) => id));
      controller.abort();
    }
  })();
  await expect(loop).rejects.toThrow(AbortedError);
  expect(seen.slice(0, 2)).toEqual(['q0', 'q1']);
});

test('leaving the loop cancels what is being computed', async () => {
  const policy = new FakePolicy();
  for await (const _ of evaluate(policy, records, { batch: 2, maxNewTokens: 16 })) break;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(policy.asked).toHaveLength(1);
});

test.each<[string, EvaluateOptions]>([
  ['samples', { samples: 0 }],
  ['batch', { batch: 1.5 }],
  ['temperature', { temperature: -1 }],
  ['greedy', { samples: 8 }],
])('refuses a senseless %s', async (word, options) => {
  await expect(run(new FakePolicy(), options)).rejects.toThrow(ConfigError);
  await expect(run(new FakePolicy(), options)).rejects.toThrow(word);
});

describe('a policy without a folder', () => {
  const homeless = (): EvaluationPolicy => {
    const policy = new FakePolicy();
    const { info, tokenizer } = policy;
    return { info, tokenizer, generate: (prompts, request) => policy.generate(prompts, request) };
  };

  test('needs to be told its wording', async () => {
    await expect(run(homeless())).rejects.toThrow(/no folder that tells its wording/);
    expect((await run(homeless(), { prompts: 'compact' })).results).toHaveLength(10);
  });
});

test('a policy that does not look at the signal is not asked again', async () => {
  const policy = new FakePolicy();
  const controller = new AbortController();
  const deaf: EvaluationPolicy = {
    ...policy,
    generate: (prompts, { signal: _signal, ...request }) => {
      controller.abort();
      return policy.generate(prompts, request);
    },
  };
  await expect(run(deaf, { batch: 5, signal: controller.signal })).rejects.toThrow(AbortedError);
  expect(policy.asked).toHaveLength(1);
});
