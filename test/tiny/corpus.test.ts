import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { Tokenizer } from '../../lib/policy/tokenizer';
import { Random } from '../../lib/tasks/random';
import { corpusBatches, drawDocument, phaseAt } from '../../lib/tiny/corpus';
import { isHeldOutPair } from '../../lib/tiny/held-out-rule';
import { heldOutTasks } from '../../lib/tiny/heldout';
import * as lexicon from '../../lib/tiny/lexicon';
import { learningRateShare, PRETRAIN_RECIPE } from '../../lib/tiny/recipe';
import { writeModelFiles } from '../../lib/tiny/pretrain';
import { CorpusEncoder, PRE_TOKEN_PATTERN, SPECIAL_TOKENS, TAG_TOKENS } from '../../lib/tiny/tokenizer';

const encoder = new CorpusEncoder();
const finalPhase = PRETRAIN_RECIPE.phases.at(-1)!;

function documents(count: number): ReturnType<typeof drawDocument>[] {
  const random = Random.seeded(11);
  return Array.from({ length: count }, () => drawDocument(random, finalPhase));
}

const block = (text: string, tag: string): unknown =>
  JSON.parse(text.match(new RegExp(`<${tag}>(.*?)</${tag}>`, 's'))![1]!);

describe('training documents', () => {
  it('carry JSON that parses, in the format of the real prompts', () => {
    for (const { role, prompt, completion } of documents(500)) {
      expect(prompt).toMatch(/^<\|im_start\|>user\n[^]*<\|im_end\|>\n<\|im_start\|>assistant\n$/);
      expect(completion).toMatch(
        /^<think>[^<]+<\/think>[^]*<tool_call_answer>\[.*\]<\/tool_call_answer><\|im_end\|>$/,
      );
      block(completion, 'tool_call_answer');
      block(role === 'solver' ? prompt : completion, 'available_tools');
    }
  });

  it('are short: about 85 tokens for the Solver, 112 for the Generator, 190 at most', () => {
    const lengths = { solver: [] as number[], generator: [] as number[] };
    for (const { role, prompt, completion } of documents(2000))
      lengths[role].push(encoder.encode(prompt + completion).length);
    const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    expect(mean(lengths.solver)).toBeLessThan(100);
    expect(mean(lengths.generator)).toBeLessThan(125);
    expect(Math.max(...lengths.solver, ...lengths.generator)).toBeLessThan(190);
  });

  it('never fall back to bytes', () => {
    const pattern = new RegExp(PRE_TOKEN_PATTERN, 'g');
    const split = new RegExp(
      [...SPECIAL_TOKENS, ...TAG_TOKENS].map((t) => t.replaceAll('|', '\\|')).join('|'),
    );
    const pieces = documents(3000).flatMap(({ prompt, completion }) =>
      (prompt + completion).split(split).flatMap((part) => part.match(pattern) ?? []),
    );
    expect([...new Set(pieces)].filter((piece) => encoder.encode(piece).length !== 1)).toEqual([]);
  });

  it('name no held-out tool in any menu or answer', () => {
    const text = documents(4000)
      .map(({ prompt, completion }) => prompt + completion)
      .join('');
    const names = new Set([...text.matchAll(/"name":"([a-z]+_[a-z]+)"/g)].map((match) => match[1]!));
    expect(names.size).toBeGreaterThan(300);
    expect([...names].filter((name) => isHeldOutPair(...(name.split('_') as [string, string])))).toEqual([]);
  });

  it('share no question with the held-out tasks', () => {
    const questions = new Set(heldOutTasks(1000, 1).map((task) => task.question));
    for (const { prompt, completion } of documents(3000))
      for (const question of questions)
        if ((prompt + completion).includes(question)) throw new Error(question);
  });
});

describe('the tokenizer', () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tiny-tokenizer-'));
  writeModelFiles(dir);
  const library = Tokenizer.load(dir);
  afterAll(() => fs.rmSync(dir, { recursive: true }));

  it('has one token for every word, name and number of the grammar', () => {
    const words = [
      ...lexicon.NAMES,
      ...Object.values(lexicon.ENUM_VALUES).flat(),
      ...Object.values(lexicon.VERBS)
        .flat()
        .flatMap((word) => [` ${word}`, word.charAt(0).toUpperCase() + word.slice(1)]),
      ...lexicon.DOMAIN_NAMES.flatMap(lexicon.objectsOf).flatMap((word) => [word, ` ${word}`]),
      ...Object.keys(lexicon.PHRASES).flatMap((word) => [word, ` ${word}`]),
      ...Array.from({ length: 100 }, (_, number) => String(number)),
    ];
    expect(words.filter((word) => encoder.encode(word).length !== 1)).toEqual([]);
  });

  it('encodes as the library reads tokenizer.json, and decodes to the same text', () => {
    const odd = [
      'héllo wörld — 你好 🙂',
      '  two  spaces\n\n\ttab',
      '<think>half',
      'Zzyzx 12345 {"a":[1,{"b":null}]}',
      'a\r\nb',
    ];
    const texts = [...odd, ...documents(300).map(({ prompt, completion }) => prompt + completion)];
    for (const text of texts) {
      const ids = [...library.encode(text)];
      expect(encoder.encode(text)).toEqual(ids);
      expect(library.decode(ids)).toBe(text);
    }
  });
});

describe('the corpus', () => {
  const recipe = { ...PRETRAIN_RECIPE, steps: 6, batchTokens: 600 };

  it('is a pure function of the seed', () => {
    const first = [...corpusBatches(1, recipe)];
    expect([...corpusBatches(1, recipe)]).toEqual(first);
    expect([...corpusBatches(2, recipe)]).not.toEqual(first);
    expect(first).toHaveLength(6);
  });

  it('gives whole documents with a weight per token', () => {
    for (const { tokens, offsets, weights } of corpusBatches(1, recipe)) {
      expect(weights.length).toBe(tokens.length);
      expect(offsets.at(-1)).toBe(tokens.length);
      expect(tokens.length).toBeGreaterThanOrEqual(600);
      const { solverPrompt, solverCompletion, generatorPrompt, generatorCompletion } = recipe.weights;
      for (let i = 0; i + 1 < offsets.length; i++) {
        expect(tokens[offsets[i]!]).toBe(1);
        expect(tokens[offsets[i + 1]! - 1]).toBe(2);
        const [first, last] = [weights[offsets[i]!]!, weights[offsets[i + 1]! - 1]!];
        expect([
          [Math.fround(solverPrompt), solverCompletion],
          [generatorPrompt, generatorCompletion],
        ]).toContainEqual([first, last]);
      }
    }
  });

  it('goes from clean documents to the mix of behaviours as the learning rate falls', () => {
    expect(phaseAt(0, PRETRAIN_RECIPE).mix.careful).toBe(1);
    expect(phaseAt(PRETRAIN_RECIPE.steps - 1, PRETRAIN_RECIPE)).toBe(finalPhase);
    expect(learningRateShare(0, PRETRAIN_RECIPE)).toBeCloseTo(1 / PRETRAIN_RECIPE.warmupSteps);
    expect(learningRateShare(PRETRAIN_RECIPE.warmupSteps, PRETRAIN_RECIPE)).toBe(1);
    expect(learningRateShare(PRETRAIN_RECIPE.steps - 1, PRETRAIN_RECIPE)).toBeCloseTo(
      PRETRAIN_RECIPE.finalShare,
    );
  });
});
