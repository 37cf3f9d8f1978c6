import { loadTrainingTasks } from '../../lib/datasets/load-training-tasks';
import { TestFolder } from './files';

let folder: TestFolder;
beforeEach(() => (folder = new TestFolder()));
afterEach(() => folder.remove());

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
