import fc from 'fast-check';

import { ConfigError } from '../../lib/binding/errors';
import { loadTrainingTasks } from '../../lib/datasets/load-training-tasks';
import { TRAINING_LAYOUTS, type TrainingLayout } from '../../lib/datasets/layouts';
import type { JsonValue } from '../../lib/tasks/task';
import { TestFolder } from './files';

const TOOL = {
  name: 'on',
  description: 'Switches on.',
  parameters: {
    lamp: { type: 'str, optional', description: 'Which.', default: 'hall' },
    level: { type: 'List[int]' },
  },
};
const CALL = { name: 'on', arguments: { lamp: 'hall', level: [1] } };
const ROWS: Readonly<Record<TrainingLayout, JsonValue>> = {
  neutral: {
    id: 'a',
    question: 'On.',
    tools: [TOOL],
    gold: [CALL],
    optional_args: [['lamp']],
    meta: { domain: 'x' },
  },
  toolrl: {
    prompt: [
      {
        role: 'system',
        content: `you can use the following tools:\n1. Name: on\nDescription: x\nParameters: ${JSON.stringify(TOOL.parameters)}\n\n**Steps for Each Turn**`,
      },
      { role: 'user', content: '**Dialogue Records History**\n<user> On. </user>' },
    ],
    reward_model: {
      ground_truth: '<tool_call>\n{"name": "on", "parameters": {"lamp": "hall"}}\n</tool_call>',
    },
    extra_info: { split: 'train', index: 3 },
  },
  xlam: { id: 3, query: 'On.', tools: [TOOL], answers: [CALL] },
  toolace: {
    system: `Functions:\n${JSON.stringify([{ ...TOOL, parameters: { type: 'dict', properties: TOOL.parameters } }])}.`,
    conversations: [
      { from: 'user', value: 'On.' },
      { from: 'assistant', value: '[on(lamp="hall", level=[1])]' },
      { from: 'tool', value: '[]' },
      { from: 'assistant', value: 'Done.' },
    ],
  },
  hammer: {
    instruction: `[BEGIN OF AVAILABLE TOOLS]\n${JSON.stringify([TOOL])}\n[END OF AVAILABLE TOOLS]\n[BEGIN OF QUERY]\nOn.\n[END OF QUERY]`,
    output: `\`\`\`\n${JSON.stringify([CALL])}\n\`\`\``,
  },
};

/** The row with one of its values, at any depth, replaced. */
function mutated(value: JsonValue, steps: readonly number[], replacement: JsonValue): JsonValue {
  const [step, ...rest] = steps;
  if (step === undefined || value === null || typeof value !== 'object') return replacement;
  const keys = Object.keys(value);
  if (keys.length === 0) return replacement;
  const key = keys[step % keys.length]!;
  const copy = structuredClone(value) as Record<string, JsonValue>;
  copy[key] = mutated(copy[key]!, rest, replacement);
  return copy;
}

const replacement = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>,
  fc.constantFrom<JsonValue>(
    '',
    '[',
    '[{"name": "on"',
    '[on(',
    '<tool_call>',
    '__proto__',
    'toString',
    [{}],
    { name: 'off' },
    [[]],
  ),
);
const mutation = fc.tuple(fc.array(fc.nat(5), { maxLength: 6 }), replacement);

let folder: TestFolder;
beforeEach(() => (folder = new TestFolder()));
afterEach(() => folder.remove());

test.each(TRAINING_LAYOUTS)('whatever is wrong with a row of %s costs that row alone', async (layout) => {
  const row = ROWS[layout];
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 20 }), async (mutations) => {
      const rows = [row, ...mutations.map(([steps, value]) => mutated(row, steps, value))];
      const { records, problems, dropped } = await loadTrainingTasks(folder.lines('f.jsonl', rows), {
        layout,
      });
      expect(records[0]!.gold[0]!.name).toBe('on');
      expect(new Set(records.map(({ id }) => id)).size).toBe(records.length);
      for (const { question, tools, gold } of records) {
        expect(question).toMatch(/\S/);
        for (const { name } of gold) expect(tools.map((tool) => tool.name)).toContain(name);
      }
      for (const { line } of problems) expect(line).toBeGreaterThan(1);
      const told = new Set([...problems.map(({ line }) => line)]).size;
      const left = Object.values(dropped).reduce((sum, count) => sum + count, 0);
      expect(records.length + told + left).toBeGreaterThanOrEqual(rows.length - 1);
    }),
    { numRuns: 60 },
  );
});

test('and nothing but a ConfigError is thrown where none is left', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...TRAINING_LAYOUTS), mutation, async (layout, [steps, value]) => {
      const file = folder.list('f.json', [mutated(ROWS[layout], steps, value)]);
      await loadTrainingTasks(file).catch((error: unknown) => expect(error).toBeInstanceOf(ConfigError));
    }),
    { numRuns: 300 },
  );
});
