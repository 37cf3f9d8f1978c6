import { difficultyOfAgreement, readDifficulty } from '../../lib/roles/difficulty-reader';
import { parseGeneratorCompletion } from '../../lib/roles/generator-parser';
import { judgeVerdict, readJudgeScore } from '../../lib/roles/judge-reader';
import { standardPrompts } from '../../lib/roles/standard-prompts';
import { GOLD, QUESTION, SPEC, WEATHER, completion } from '../rewards/generator-fixtures';

describe('parseGeneratorCompletion', () => {
  it('gives the task', () => {
    expect(parseGeneratorCompletion(completion())).toMatchObject({
      fields: { question: QUESTION, think: 'Weather fits.' },
      gold: GOLD,
      numCalls: 1,
    });
  });

  it('takes the last of several blocks, fenced JSON and a single call', () => {
    const text =
      `${completion({ question: 'The first one' })}<question> The second </question>` +
      `<available_tools>\n\`\`\`json\n[${JSON.stringify(WEATHER)}]\n\`\`\`\n</available_tools>` +
      `<tool_call_answer>{"function":{"name":"get_weather","arguments":"{\\"city\\":\\"Oslo\\"}"}}</tool_call_answer>`;
    expect(parseGeneratorCompletion(text)).toMatchObject({
      fields: { question: 'The second' },
      tools: [WEATHER],
      gold: [{ name: 'get_weather', arguments: { city: 'Oslo' } }],
    });
  });

  it('says what is missing first', () => {
    const reasonOf = (text: string) => parseGeneratorCompletion(text).reason;
    expect(reasonOf('')).toBe('missing_block');
    expect(reasonOf(completion({ think: ' ' }))).toBe('missing_block');
    expect(reasonOf(completion({ tools: [], gold: [] }))).toBe('tools_unreadable');
    expect(reasonOf(completion({ gold: [] }))).toBe('gold_unreadable');
    expect(reasonOf('x'.repeat(300_000))).toBe('too_long');
    expect(reasonOf(completion())).toBeUndefined();
  });

  it('counts all calls where only the first counts', () => {
    const parsed = parseGeneratorCompletion(completion({ gold: [...GOLD, 'junk'] }), { firstCallOnly: true });
    expect([parsed.gold, parsed.numCalls]).toEqual([GOLD, 2]);
  });
});

describe('the judge’s reader', () => {
  it('is anchored', () => {
    const scores: [string, number | null][] = [
      ['4', 4],
      [' 5.\n', 5],
      ['Score (1-5): 4', 4],
      ['Your rating: 2', null],
      ['My rating is 2', 2],
      ['**Score:** 3/5', 3],
      ['4 out of 5', 4],
      ['Five', 5],
      ['The question is fine.\nScore: 4', 4],
      ['10', null],
      ['3.5', null],
      ['0', null],
      ['6', null],
      ['I see 2 tools', null],
      ['none', null],
      ['', null],
      ['-3', null],
    ];
    for (const [reply, score] of scores) expect([reply, readJudgeScore(reply)]).toEqual([reply, score]);
  });

  it('takes the first digit anywhere under looseJudgeReader', () => {
    const published = { looseJudgeReader: true };
    expect(
      ['Score (1-5): 4', '10', 'none', 'unsure'].map((reply) => readJudgeScore(reply, published)),
    ).toEqual([1, 1, 1, null]);
  });

  it('asks again, and ends with 3', () => {
    expect(judgeVerdict([null, 'hm', '2', '5'])).toEqual({ score: 2, attempts: 3, readable: true });
    expect(judgeVerdict(['?', '?', '?', '5'])).toEqual({ score: 3, attempts: 3, readable: false });
    expect(judgeVerdict([])).toEqual({ score: 3, attempts: 0, readable: false });
  });
});

describe('the difficulty’s reader', () => {
  it('takes the first level named as a word, in any case', () => {
    expect(readDifficulty('Not EASY but hard')).toEqual({ difficulty: 'easy', usedFallback: false });
    expect(readDifficulty('easier')).toEqual({ difficulty: 'medium', usedFallback: true });
    expect(readDifficulty('', 'hard')).toEqual({ difficulty: 'hard', usedFallback: true });
    expect([0.2, 0.25, 0.75, 0.8].map(difficultyOfAgreement)).toEqual(['hard', 'medium', 'medium', 'easy']);
  });
});

describe('standardPrompts', () => {
  const text = (messages: { content: string }[]) => messages.map(({ content }) => content).join('\n');

  it('tell the Generator its whole spec and the four blocks', () => {
    const prompt = text(standardPrompts.generator({ ...SPEC, toolMenuSize: 7, domain: 'iot' }));
    for (const part of [
      'domain: iot',
      'single_turn',
      'exactly 7 tools',
      'exactly 1 call',
      'flat',
      'in the question',
    ]) {
      expect(prompt).toContain(part);
    }
    for (const tag of ['think', 'question', 'available_tools', 'tool_call_answer']) {
      expect(prompt.split(`<${tag}>\n`)).toHaveLength(2);
      expect(prompt.split(`</${tag}>`)).toHaveLength(2);
    }
    expect(prompt).not.toContain('# Conversation');
    const multi = text(standardPrompts.generator({ ...SPEC, contextType: 'multi_turn', numCalls: 2 }));
    expect(multi).toMatch(/# Conversation\nUser: .*\nAgent: /);
    expect(multi).toContain('exactly 2 calls');
  });

  it('show a judge the whole task', () => {
    const { name, ...prompts } = standardPrompts;
    expect(name).toBe('standard');
    for (const kind of ['judge', 'difficulty'] as const) {
      const shown = text(prompts[kind](QUESTION, [WEATHER], GOLD));
      for (const part of [QUESTION, JSON.stringify(WEATHER), JSON.stringify(GOLD)])
        expect(shown).toContain(part);
    }
  });
});
