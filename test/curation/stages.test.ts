import * as fc from 'fast-check';

import { measureAgreement } from '../../lib/curation/agreement';
import { crossVerify } from '../../lib/curation/cross-verify';
import { curate } from '../../lib/curation/curate';
import { deduplicate } from '../../lib/curation/deduplicate';
import { difficultyTargets, domainQuotas } from '../../lib/curation/quotas';
import { labelByAgreement, labelByJudge, select } from '../../lib/curation/select';
import { Random } from '../../lib/tasks/random';
import { GOLD, answer } from '../rewards/generator-fixtures';
import { candidate, ids, levels, task } from './fixtures';

describe('deduplicate', () => {
  const twins = (by: 'question' | 'combination') =>
    ['a', 'b', 'c'].map((id, i) =>
      task(id, {
        quality: [1, 2, 2][i]!,
        fingerprints: { ...task(id).fingerprints, [by]: 'same' },
      }),
    );

  it('keeps the best of each group, the earlier of equals', () => {
    const result = deduplicate([task('first'), ...twins('combination'), task('last')]);
    expect(ids(result.kept)).toEqual(['first', 'b', 'last']);
    expect(result.statistics.reasons).toEqual({ duplicate: 2 });
    expect(ids(deduplicate(twins('combination'), { keep: 2 }).kept)).toEqual(['b', 'c']);
    expect(ids(deduplicate(twins('question')).kept)).toEqual(['a', 'b', 'c']);
    expect(ids(deduplicate(twins('question'), { by: 'question' }).kept)).toEqual(['b']);
  });
});

describe('crossVerify', () => {
  const wrongValue = [{ name: 'get_weather', arguments: { city: 'Rome', days: 3 } }];
  const gold = { gold: GOLD };

  it('compares full calls', () => {
    const samples = [answer(GOLD), answer(wrongValue), answer(wrongValue), 'nothing', answer(GOLD, '')];
    expect(measureAgreement(samples, GOLD)).toMatchObject({
      agreement: 0.2,
      reason: 'mismatch',
      failures: { mismatch: 2, missing_tag: 1, missing_think: 1 },
    });
    const published = { namesOnlyVerification: true };
    expect(measureAgreement(samples, GOLD, { published }).agreement).toBe(0.8);
  });

  it('keeps tasks between the two thresholds, with their agreement', () => {
    const always = [answer(GOLD), answer(GOLD)];
    const half = [answer(GOLD), answer(wrongValue)];
    const tasks = [task('always', gold), task('half', gold), task('never', gold)];
    const result = crossVerify(tasks, [always, half, ['', '']], { tau: 0.5, tauHigh: 0.9 });
    expect(result.kept.map(({ id, agreement }) => [id, agreement])).toEqual([['half', 0.5]]);
    expect(result.dropped).toEqual([
      { id: 'always', reason: 'too_easy', agreement: 1 },
      { id: 'never', reason: 'missing_tag', agreement: 0 },
    ]);
  });

  it('counts samples that never came, and drops echoes of the prompt without asking', () => {
    expect(measureAgreement([answer(GOLD)], GOLD, { samples: 4 }).agreement).toBe(0.25);
    const echo = task('echo', { question: 'Tell me what available_tools are', ...gold });
    expect(crossVerify([echo], [[]], { tau: 0 }).dropped).toEqual([
      { id: 'echo', reason: 'placeholder_question', agreement: 0 },
    ]);
    expect(() => crossVerify([echo], [])).toThrow('1 tasks but samples for 0');
  });
});

describe('labels', () => {
  it('come from the judge, or from how often the Solver is right', () => {
    const tasks = ['a', 'b', 'c'].map((id) => task(id));
    const labelled = labelByJudge(tasks, ['Hard.', '?', 'easy, not medium']);
    expect(levels(labelled)).toEqual(['hard', 'medium', 'easy']);
    expect(labelled.map(({ difficultyFallback }) => difficultyFallback)).toEqual([false, true, false]);
    const measured = [0.2, 0.5, 0.9].map((agreement, i) => task(String(i), { agreement }));
    expect(levels(labelByAgreement(measured))).toEqual(['hard', 'medium', 'easy']);
  });
});

describe('quotas', () => {
  const supplies = fc.dictionary(fc.string({ maxLength: 4 }), fc.integer({ min: 1, max: 40 }), {
    maxKeys: 12,
  });
  const tables = fc.dictionary(fc.string({ maxLength: 4 }), fc.double({ min: 0, max: 9, noNaN: true }), {
    maxKeys: 12,
  });

  it('give out all there is to give, and no domain more than it has', () => {
    fc.assert(
      fc.property(supplies, tables, fc.integer({ min: 0, max: 300 }), (counts, extra, total) => {
        const supply = new Map(Object.entries(counts));
        const available = [...supply.values()].reduce((sum, count) => sum + count, 0);
        const quotas = domainQuotas(supply, total, { ...extra });
        const given = [...quotas.values()].reduce((sum, quota) => sum + quota, 0);
        expect(given).toBe(Math.min(total, available));
        for (const [domain, quota] of quotas) expect(quota).toBeLessThanOrEqual(supply.get(domain)!);
      }),
    );
  });

  it('have difficulty targets that add up', () => {
    fc.assert(
      fc.property(fc.nat(500), fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (total, easy, hard) => {
        const { easy: e, medium: m, hard: h } = difficultyTargets(total, { easy, medium: 0.3, hard });
        expect([e + m + h, Math.min(e, m, h) >= 0]).toEqual([total, true]);
      }), // prettier-ignore
    );
  });
});

describe('select', () => {
  const pool = Array.from({ length: 60 }, (_, i) =>
    task(String(i), {
      domain: ['travel', 'math', 'news'][i % 3]!,
      difficulty: (['easy', 'medium', 'hard'] as const)[Math.floor(i / 3) % 3]!,
      agreement: (i % 7) / 7,
    }),
  );
  const options = { tasks: 30, random: Random.seeded(1) };

  it('meets quotas and targets, and runs from easy to hard', () => {
    const { kept, dropped } = select(pool, options);
    expect([kept.length, dropped.length]).toEqual([30, 30]);
    for (const domain of ['travel', 'math', 'news']) {
      const chosen = levels(kept.filter(({ spec }) => spec!.domain === domain));
      expect(['easy', 'medium', 'hard'].map((level) => chosen.filter((l) => l === level).length)).toEqual([
        2, 5, 3,
      ]);
    }
    expect(levels(kept)).toEqual([
      ...Array<string>(6).fill('easy'),
      ...Array<string>(15).fill('medium'),
      ...Array<string>(9).fill('hard'),
    ]);
    const easy = kept.slice(0, 6).map(({ agreement }) => agreement!);
    expect(easy).toEqual([...easy].sort((a, b) => b - a));
  });

  it('is repeatable, and shuffles on demand and as published', () => {
    const chosen = (more = {}) => ids(select(pool, { ...options, random: Random.seeded(7), ...more }).kept);
    expect(chosen()).toEqual(chosen());
    const shuffled = chosen({ order: 'shuffle' });
    expect(shuffled).not.toEqual(chosen());
    expect([...shuffled].sort()).toEqual(chosen().sort());
    expect(chosen({ published: { shuffledCurriculum: true, weightlessCustomerSupport: false } })).toEqual(
      shuffled,
    );
  });

  it('prefers sure labels when confidences are blended', () => {
    const unsure = pool.map((item, i) => ({ ...item, difficultyFallback: i % 2 === 0 }));
    const { kept } = select(unsure, { ...options, tasks: 9, confidenceAlpha: 1 });
    expect(kept.every(({ difficultyFallback, confidence }) => !difficultyFallback && confidence === 1)).toBe(
      true,
    );
  });

  it('takes what there is when there is less than asked for', () => {
    expect(select(pool.slice(0, 4), options).kept).toHaveLength(4);
    expect(select([], options).kept).toEqual([]);
    expect(select(pool, { ...options, tasks: 0 }).kept).toEqual([]);
  });
});

describe('curate', () => {
  const candidates = [
    candidate('good'),
    candidate('twin'),
    { id: 'broken', text: 'no blocks' },
    candidate('wrong', { question: 'Please look up the weather in Bergen for the next 3 days.' }),
  ];

  it('runs every stage and says what became of every candidate', async () => {
    const asked: string[] = [];
    const { tasks, verdicts, stages } = await curate(candidates, {
      solve: (list) => {
        asked.push(...ids(list));
        return list.map(({ id }) => [answer(GOLD), answer(id === 'wrong' ? [] : GOLD)]);
      },
      verification: { tau: 0.6 },
      judgeDifficulty: (list) => list.map(() => 'hard'),
    });
    expect(asked).toEqual(['good', 'wrong']);
    expect(ids(tasks)).toEqual(['good']);
    expect(verdicts).toEqual([
      { id: 'good', kept: true, stage: 'select', reason: 'ok', agreement: 1, difficulty: 'hard' },
      { id: 'twin', kept: false, stage: 'deduplicate', reason: 'duplicate' },
      { id: 'broken', kept: false, stage: 'validate', reason: 'missing_tags' },
      { id: 'wrong', kept: false, stage: 'verify', reason: 'bad_call_schema', agreement: 0.5 },
    ]);
    expect(stages.map(({ stage, received, kept }) => [stage, received, kept])).toEqual([
      ['validate', 4, 3],
      ['deduplicate', 3, 2],
      ['verify', 2, 1],
      ['select', 1, 1],
    ]);
  });

  it('does without a Solver and a judge', async () => {
    const { tasks, stages } = await curate(candidates);
    expect(levels(tasks)).toEqual(['medium', 'medium']);
    expect(stages.map(({ stage }) => stage)).toEqual(['validate', 'deduplicate', 'select']);
    const nothing = await curate([]);
    expect([nothing.tasks, nothing.verdicts, nothing.stages.length]).toEqual([[], [], 3]);
  });

  it('refuses candidates that cannot be told apart, and a Solver that skips tasks', async () => {
    await expect(curate([candidate('a'), candidate('a')])).rejects.toThrow('same id');
    await expect(curate(candidates, { solve: () => [] })).rejects.toThrow('samples for 0 of 2 tasks');
  });
});
