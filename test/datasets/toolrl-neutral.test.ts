import { loadTrainingTasks } from '../../lib/datasets/load-training-tasks';
import { TestFolder } from './files';

let folder: TestFolder;
beforeEach(() => (folder = new TestFolder()));
afterEach(() => folder.remove());

describe('ToolRL', () => {
  const instruction = (parameters: object) =>
    `You help.\n\n**Available Tools**\nIn your response, you can use the following tools:\n1. Name: switch_lamp\nDescription: Switches\n1. a lamp.\nParameters: ${JSON.stringify(parameters)}\n2. Name: now\nDescription: \nParameters: {}\n\n**Steps for Each Turn**\n1. **Think:** …`;
  const lamp = {
    lamp: { description: 'Which.', type: 'str', default: '' },
    at: { description: '', type: 'Tuple[int, int]', default: '' },
  };
  const row = (output: string, input = '**Dialogue Records History**\n<user> Dim it. </user>') => ({
    instruction: instruction(lamp),
    input,
    output,
  });
  const calls =
    '<think> <tool_call> is what I need </think>\n<tool_call>\n{"name": "switch_lamp", "parameters": {"lamp": "a\\nb"}}\n\n{"name": "now", "parameters": {}}\n</tool_call>';

  test('calls after the thoughts, one per line; words alone are no call', async () => {
    const rows = [row(calls), row('<think> no </think>\n<response> Hello. </response>')];
    const { layout, records, notes } = await loadTrainingTasks(folder.list('rlla_rl.json', rows));
    expect(layout).toBe('toolrl');
    expect(notes).toEqual([]);
    expect(records.map(({ gold }) => gold)).toEqual([
      [
        { name: 'switch_lamp', arguments: { lamp: 'a\nb' } },
        { name: 'now', arguments: {} },
      ],
      [],
    ]);
    expect(records[0]).toMatchObject({
      id: 'rlla-rl-0000',
      question: '<user> Dim it. </user>',
      meta: { split: 'rlla-rl', flags: [] },
      tools: [
        {
          name: 'switch_lamp',
          description: 'Switches\n1. a lamp.',
          parameters: {
            properties: { lamp: { type: 'string', description: 'Which.' }, at: {} },
            required: [],
          },
        },
        { name: 'now', description: '' },
      ],
    });
  });

  test('malformed rows', async () => {
    const rows = [
      row(calls),
      row('<think> x </think>'),
      row('<tool_call>\n{"name": "now"'),
      row('<tool_call>\n{"name": now}\n</tool_call>'),
      row(calls, '**Dialogue Records History**\n '),
      { ...row(calls), instruction: instruction(lamp).replace('2. Name', '3. Name') },
      { ...row(calls), instruction: instruction(lamp).replace('Parameters: {}', 'Parameters: {') },
      { ...row(calls), instruction: 'you can use the following tools' },
      { prompt: [{ role: 'system', content: 'x' }], reward_model: {} },
      { prompt: [{ content: instruction(lamp) }, { content: '<user> x </user>' }], reward_model: {} },
    ];
    const { records, problems } = await loadTrainingTasks(folder.list('a.json', rows));
    expect(records).toHaveLength(1);
    expect(problems.map(({ line, field }) => [line, field])).toEqual([
      [2, 'output'],
      [3, 'output'],
      [4, 'output, call 1'],
      [5, 'input'],
      [6, 'instruction, tool 2'],
      [7, 'instruction, tool 2, Parameters'],
      [8, 'instruction'],
      [9, 'prompt'],
      [10, 'reward_model.ground_truth'],
    ]);
  });
});

describe('neutral records', () => {
  const record = (id: string, more: object = {}) => ({
    id,
    question: 'Switch on the lamp.',
    tools: [{ name: 'on', parameters: { lamp: { type: 'string' } } }],
    gold: [{ name: 'on', arguments: { lamp: 'hall' } }],
    ...more,
  });

  test('are kept as they are, accepted values too, and the notes say what training compares with', async () => {
    const rows = [
      record('a'),
      record('b', { gold: [] }),
      record('c', { optional_args: [['lamp']] }),
      record('d', { gold_alternatives: [{ on: { lamp: ['hall', ''] } }], meta: { domain: 'home' } }),
    ];
    for (const file of [folder.lines('a.jsonl', rows), folder.list('a.json', rows)]) {
      const set = await loadTrainingTasks(file);
      expect(set.layout).toBe('neutral');
      expect(set.records).toEqual(rows);
      expect(set.notes).toEqual([
        '2 records accept other values or fewer arguments; the training reward compares with gold alone',
      ]);
    }
  });

  test('a repeated id is refused with the line of the first; no gold at all is malformed', async () => {
    const rows = [
      record('a'),
      record('a'),
      record('b', { gold: undefined }),
      record('c', { gold: [{ name: 'off' }] }),
    ];
    const { records, problems, dropped } = await loadTrainingTasks(folder.lines('a.jsonl', rows));
    expect(records.map(({ id }) => id)).toEqual(['a']);
    expect(dropped).toEqual({ gold_not_offered: 1 });
    expect(problems.map(({ line, field, message }) => [line, field, message])).toEqual([
      [2, 'id', "id 'a' stands in line 1 already"],
      [3, 'gold', 'gold must be a list'],
    ]);
  });
});
