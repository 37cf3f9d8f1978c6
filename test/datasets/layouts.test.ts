import { schemaOfAnnotation } from '../../lib/datasets/annotation';
import { loadTrainingTasks } from '../../lib/datasets/load-training-tasks';
import { TestFolder } from './files';

let folder: TestFolder;
beforeEach(() => (folder = new TestFolder()));
afterEach(() => folder.remove());

test.each([
  ['str', { type: 'string' }],
  ['str, optional', { type: 'string' }],
  ['int, optional (default 3)', { type: 'integer' }],
  ['List', { type: 'array' }],
  ['List[int]', { type: 'array', items: { type: 'integer' } }],
  ['List[List[float]], optional', { type: 'array', items: { type: 'array', items: { type: 'number' } } }],
  ['List[Dict[str, int]]', { type: 'array', items: { type: 'object' } }],
  ['Tuple[float, float]', { type: 'array' }],
  ['List[Tuple[int, int]]', { type: 'array', items: { type: 'array' } }],
  ['Dict[str, List[int]]', { type: 'object' }],
  ['dict', { type: 'object' }],
  ['Set[int]', { type: 'array', items: { type: 'integer' } }],
  ['set', { type: 'array' }],
  ['Optional[List[str]]', { type: 'array', items: { type: 'string' } }],
  ['Union[int, float]', { type: 'number' }],
  ['Union[str, None]', { type: 'string' }],
  ['Union[str, int]', {}],
  ['List[Union[int, str]]', { type: 'array' }],
  ['Callable[[float], float]', {}],
  ['Any', {}],
  ['List[', {}],
  ['', {}],
  [null, {}],
  [['string', 'null'], {}],
  [`${'List['.repeat(5000)}int${']'.repeat(5000)}`, expect.objectContaining({ type: 'array' })],
])('the type %s', (name, schema) => expect(schemaOfAnnotation(name)).toEqual(schema));

const LAMP = {
  name: 'switch_lamp',
  description: 'Switches a lamp. ',
  parameters: {
    lamp: { description: 'Which lamp.', type: 'str' },
    level: { description: 'From 0 to 1.', type: 'float, optional' },
    colours: { description: '', type: 'List[str]', default: '' },
    type: { description: 'Kind of lamp.', type: 'str', default: 'led' },
    times: { description: 'Pairs.', type: 'List[Tuple[int, int]]', default: null },
  },
};
const LAMP_READ = {
  name: 'switch_lamp',
  description: 'Switches a lamp.',
  parameters: {
    type: 'object',
    properties: {
      lamp: { type: 'string', description: 'Which lamp.' },
      level: { type: 'number', description: 'From 0 to 1.' },
      colours: { type: 'array', items: { type: 'string' } },
      type: { type: 'string', description: 'Kind of lamp.', default: 'led' },
      times: { type: 'array', items: { type: 'array' }, description: 'Pairs.' },
    },
    required: ['lamp'],
  },
};
const QUERY = `Dim the lamp "hall", don't switch it off`;
const ANSWER = [{ name: 'switch_lamp', arguments: { lamp: 'hall', level: '0.5', times: [[1, 2]] } }];
const GOLD = [{ name: 'switch_lamp', arguments: { lamp: 'hall', level: 0.5, times: [[1, 2]] } }];

describe('xLAM', () => {
  const row = (more: object) => ({ id: 17, query: QUERY, tools: [LAMP], answers: ANSWER, ...more });
  const record = {
    id: 'xlam-000017',
    question: QUERY,
    tools: [LAMP_READ],
    gold: GOLD,
    meta: { benchmark: 'xlam', split: 'train', flags: [] },
  };

  test('tools and answers as JSON text or as lists, in a list or in lines', async () => {
    const text = row({ tools: JSON.stringify([LAMP]), answers: JSON.stringify(ANSWER) });
    for (const file of [folder.list('a.json', [text]), folder.lines('b.txt', [row({})])]) {
      const set = await loadTrainingTasks(file);
      expect(set).toMatchObject({ layout: 'xlam', problems: [], dropped: {} });
      expect(set.records).toEqual([record]);
      expect(set.notes.join()).toContain('not tested on the original file');
    }
  });

  test('ids: the row’s own, else its place; repeated ones get a number', async () => {
    const rows = [row({}), row({}), row({ id: undefined }), row({ id: 'mine' }), row({})];
    const { records } = await loadTrainingTasks(folder.lines('a.jsonl', rows));
    expect(records.map(({ id }) => id)).toEqual([
      'xlam-000017',
      'xlam-000017-2',
      'xlam-000002',
      'xlam-mine',
      'xlam-000017-3',
    ]);
  });

  test('no call is a task; calls of tools that are not offered are not, and are counted', async () => {
    const rows = [row({ answers: '[]' }), row({ answers: [{ name: 'other', arguments: {} }] }), row({})];
    const { records, dropped } = await loadTrainingTasks(folder.list('a.json', rows));
    expect(records.map(({ gold }) => gold.length)).toEqual([0, 1]);
    expect(dropped).toEqual({ gold_not_offered: 1 });
  });

  test('tools with a schema around their parameters, or in OpenAI’s form, and nested types', async () => {
    const wrapped = {
      type: 'function',
      function: {
        name: 'book',
        description: 'Books.',
        parameters: {
          type: 'dict',
          properties: {
            seats: { type: 'array', items: { type: 'int' }, description: 'Seats.' },
            who: { type: 'dict', properties: { age: { type: 'float' } }, required: ['age'] },
            class: { type: 'string', enum: ['a', 'b'], default: 'a' },
            properties: { type: 'str' },
          },
          required: ['seats'],
        },
      },
    };
    const { records } = await loadTrainingTasks(
      folder.list('a.json', [
        row({ tools: [wrapped], answers: [{ name: 'book', arguments: { seats: '[1, 2]' } }] }),
      ]),
    );
    expect(records[0]!.tools[0]!.parameters).toEqual({
      type: 'object',
      properties: {
        seats: { type: 'array', items: { type: 'integer' }, description: 'Seats.' },
        who: { type: 'object', properties: { age: { type: 'number' } }, required: ['age'] },
        class: { type: 'string', enum: ['a', 'b'], default: 'a' },
        properties: { type: 'string' },
      },
      required: ['seats'],
    });
    expect(records[0]!.gold[0]!.arguments).toEqual({ seats: [1, 2] });
  });

  test('malformed records are left out with place and field, the others are read', async () => {
    const rows = [
      row({}),
      row({ tools: '[{"name": ' }),
      row({ query: ' ' }),
      row({ tools: [] }),
      row({ tools: [{ name: 'f', parameters: { a: 7 } }] }),
      row({ answers: [{ arguments: {} }] }),
      row({ answers: [{ name: 'switch_lamp', arguments: 'lamp=hall' }] }),
      row({ answers: undefined }),
      'text',
      row({}),
    ];
    const { records, problems } = await loadTrainingTasks(folder.list('a.json', rows));
    expect(records).toHaveLength(2);
    expect(problems.map(({ line, field }) => [line, field])).toEqual([
      [2, 'tools'],
      [3, 'query'],
      [4, 'tools'],
      [5, 'tools[0].parameters.a'],
      [6, 'answers[0].name'],
      [7, 'answers[0].arguments'],
      [8, 'answers'],
      [9, 'row'],
    ]);
  });

  test('says how many records give what their tools do not ask for', async () => {
    const rows = [
      row({ answers: [{ name: 'switch_lamp', arguments: { lamp: 'hall', level: 'half' } }] }),
      row({ answers: [{ name: 'switch_lamp', arguments: { lamp: 'hall', speed: 1 } }] }),
    ];
    const { notes } = await loadTrainingTasks(folder.list('a.json', rows));
    expect(notes.join('\n')).toMatch(/1 record has a gold text where the tool asks for a number/);
    expect(notes.join('\n')).toMatch(/1 record gives arguments that the tools do not declare/);
  });
});

describe('Hammer', () => {
  const masked = (output: string, query = QUERY) => ({
    instruction: `[BEGIN OF TASK INSTRUCTION]\nDo.\n[END OF TASK INSTRUCTION]\n\n[BEGIN OF AVAILABLE TOOLS]\n${JSON.stringify([LAMP])}\n[END OF AVAILABLE TOOLS]\n\n[BEGIN OF QUERY]\n${query}\n[END OF QUERY]\n\n`,
    input: '',
    output,
  });

  test('masked rows', async () => {
    const rows = [
      masked(`\`\`\`\n${JSON.stringify(ANSWER)}\n\`\`\``),
      masked('```\n[]\n```'),
      masked(JSON.stringify(ANSWER), 'Say [END OF QUERY] and dim'),
      masked('```\nsorry\n```'),
      { ...masked('[]'), instruction: '[BEGIN OF AVAILABLE TOOLS] [] nothing else' },
    ];
    const { layout, records, problems, notes } = await loadTrainingTasks(folder.list('a.json', rows));
    expect(layout).toBe('hammer');
    expect(notes).toEqual([]);
    expect(records[0]).toEqual({
      id: 'hammer-000000',
      question: QUERY,
      tools: [LAMP_READ],
      gold: GOLD,
      meta: { benchmark: 'hammer', split: 'masked', flags: [] },
    });
    expect(records.map(({ gold }) => gold.length)).toEqual([1, 0, 1]);
    expect(records[2]!.question).toBe('Say [END OF QUERY] and dim');
    expect(problems.map(({ line, field }) => [line, field])).toEqual([
      [4, 'output'],
      [5, 'instruction'],
    ]);
  });

  test('{query, tools, answers} is xLAM’s form unless Hammer is asked for; queries may be dialogues', async () => {
    const turns = [
      { role: 'user', content: 'Dim it.' },
      { role: 'agent', content: 'Which one?' },
      { role: 'user', content: 'The hall.' },
    ];
    const file = folder.list('a.json', [{ query: turns, tools: [LAMP], answers: ANSWER }]);
    expect((await loadTrainingTasks(file)).layout).toBe('xlam');
    const { layout, records } = await loadTrainingTasks(file, { layout: 'hammer' });
    expect(layout).toBe('hammer');
    expect(records[0]).toMatchObject({
      id: 'hammer-000000',
      question: 'User: Dim it.\nAI: Which one?\nUser: The hall.',
      messages: turns,
    });
  });
});

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
