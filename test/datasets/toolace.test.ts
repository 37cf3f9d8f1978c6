import { loadTrainingTasks } from '../../lib/datasets/load-training-tasks';
import { TestFolder } from './files';

let folder: TestFolder;
beforeEach(() => (folder = new TestFolder()));
afterEach(() => folder.remove());

describe('ToolACE', () => {
  const tools = [
    {
      name: 'Lamp Switch API',
      description: 'Switches [lamps], "quoted".',
      parameters: {
        type: 'dict',
        properties: { lamp: { type: 'string' }, level: { type: 'float' } },
        required: ['lamp'],
      },
      required: null,
    },
    {
      name: 'Changes (January-August, 2022)',
      description: 'x',
      parameters: { type: 'dict', properties: {} },
    },
  ];
  const system = (around = '') =>
    `You compose functions.\n${around}Here is a list of functions in JSON format that you can invoke:\n${JSON.stringify(tools)}. \nPut it in the format of [func1(params_name=params_value), func2(params)]\n`;
  const dialogue = (...turns: [from: string, value: string][]) => ({
    system: system(),
    conversations: turns.map(([from, value]) => ({ from, value })),
  });

  test('every decision to call or not to call is a task, with the dialogue before it', async () => {
    const row = dialogue(
      ['user', 'Dim the lamp.'],
      ['assistant', 'Which lamp?'],
      ['user', 'The hall.'],
      ['assistant', '[Lamp Switch API(lamp="hall", level="0.5"), Changes (January-August, 2022)()]'],
      ['tool', '[{"name": "Lamp Switch API", "results": {}}]'],
      ['assistant', '[Lamp Switch API(lamp="hall", level=1)]'],
      ['tool', '[]'],
      ['assistant', 'Done.'],
    );
    const { layout, records, problems, dropped, notes } = await loadTrainingTasks(
      folder.list('a.json', [row]),
    );
    expect(layout).toBe('toolace');
    expect(problems).toEqual([]);
    expect(dropped).toEqual({ answer_after_result: 1 });
    expect(notes.join()).toContain('not tested on the original file');
    expect(records.map(({ id }) => id)).toEqual(['toolace-00000-2', 'toolace-00000-4', 'toolace-00000-6']);
    expect(records.map(({ question }) => question)).toEqual([
      'Dim the lamp.',
      'User: Dim the lamp.\nAI: Which lamp?\nUser: The hall.',
      'User: Dim the lamp.\nAI: Which lamp?\nUser: The hall.\nAPI-Request: [Lamp Switch API(lamp="hall", level="0.5"), Changes (January-August, 2022)()]\nAPI-Response: [{"name": "Lamp Switch API", "results": {}}]',
    ]);
    expect(records.map(({ gold }) => gold)).toEqual([
      [],
      [
        { name: 'Lamp Switch API', arguments: { lamp: 'hall', level: 0.5 } },
        { name: 'Changes (January-August, 2022)', arguments: {} },
      ],
      [{ name: 'Lamp Switch API', arguments: { lamp: 'hall', level: 1 } }],
    ]);
    expect(records[0]).not.toHaveProperty('messages');
    expect(records[2]!.messages!.map(({ role }) => role)).toEqual([
      'user',
      'agent',
      'user',
      'assistant',
      'tool',
    ]);
    expect(records[0]!.tools[0]).toEqual({
      name: 'Lamp Switch API',
      description: 'Switches [lamps], "quoted".',
      parameters: {
        type: 'object',
        properties: { lamp: { type: 'string' }, level: { type: 'number' } },
        required: ['lamp'],
      },
    });
  });

  test('the day that the system text names belongs to the question', async () => {
    const row = {
      ...dialogue(['user', 'Dim it tomorrow.'], ['assistant', 'How?']),
      system: system('Today is 2024-05-02.\n'),
    };
    const { records } = await loadTrainingTasks(folder.list('a.json', [row]));
    expect(records[0]!.question).toBe('Today is 2024-05-02.\nDim it tomorrow.');
  });

  test('what cannot be read costs its turn or its row, never a wrong gold', async () => {
    const user: [string, string] = ['user', 'Dim it.'];
    const rows = [
      dialogue(user, ['assistant', '[Lamp Switch API(lamp=hall)]'], user, ['assistant', 'Done.']),
      dialogue(user, ['assistant', 'I call [Lamp Switch API(lamp="hall")]']),
      dialogue(user, ['assistant', '']),
      dialogue(['assistant', '[Lamp Switch API(lamp="hall")]']),
      dialogue(user, ['narrator', 'x']),
      { ...dialogue(user, ['assistant', 'x']), system: 'Functions: [] or [func1(a)]' },
      dialogue(user, ['assistant', '[Other API(lamp="hall")]']),
      dialogue(['user', ' '], ['assistant', 'What?']),
    ];
    const { records, problems, dropped } = await loadTrainingTasks(folder.lines('a.jsonl', rows));
    expect(records.map(({ id, gold }) => [id, gold.length])).toEqual([['toolace-00000-4', 0]]);
    expect(dropped).toEqual({ gold_not_offered: 1 });
    expect(problems.map(({ line, field }) => [line, field])).toEqual([
      [1, 'conversations[1].value'],
      [2, 'conversations[1].value'],
      [3, 'conversations[1].value'],
      [4, 'conversations[0].value'],
      [5, 'conversations[1].from'],
      [6, 'system'],
      [8, 'conversations[0].value'],
    ]);
  });
});
