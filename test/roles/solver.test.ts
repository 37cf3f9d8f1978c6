import { extractSolverFields, lastAnswerBlock, parseSolverToolCalls } from '../../lib/roles/solver';
import { toToolCall } from '../../lib/roles/calls';
import { publishedSolverMessages, solverMessages } from '../../lib/roles/solver-prompt';
import type { Tool } from '../../lib/tasks/task';

const parse = (answer: string) => parseSolverToolCalls(answer)?.map(toToolCall) ?? null;
const f = { name: 'f', arguments: { a: 1 } };

describe('extractSolverFields', () => {
  it('takes the last block of each tag, in any case and order', () => {
    const text =
      '<tool_call_answer>1</tool_call_answer><think>a</think> x <THINK>\n b </THINK><Tool_Call_Answer> 2\n</tool_call_answer>';
    expect(extractSolverFields(text)).toEqual({ think: 'b', answer: '2' });
  });

  it('ends a block at the first closing tag', () => {
    expect(
      lastAnswerBlock('<tool_call_answer>a<tool_call_answer>b</tool_call_answer>c</tool_call_answer>'),
    ).toBe('a<tool_call_answer>b');
    expect(lastAnswerBlock('<tool_call_answer>a</tool_call_answer><tool_call_answer>b')).toBe('a');
  });

  it('takes the letters Python takes for the tag without regard to case', () => {
    expect(extractSolverFields('<thınK>a</think><tool_call_anſwer>b</tool_call_answer>')).toEqual({
      think: 'a',
      answer: 'b',
    });
  });

  it('wants a thought unless told otherwise', () => {
    const text = '<think> </think><tool_call_answer>b</tool_call_answer>';
    expect(extractSolverFields(text)).toBeNull();
    expect(extractSolverFields(text, { requireThink: false })).toEqual({ think: null, answer: 'b' });
  });
});

describe('parseSolverToolCalls', () => {
  it.each([
    ['a list', '[{"name": "f", "arguments": {"a": 1}}]'],
    ['one call', '{"name": "f", "arguments": {"a": 1}}'],
    ['Python', "[{'name': 'f', 'arguments': {'a': 1,},},]"],
    ['a fence', '```json\n[{"name": "f", "arguments": {"a": 1}}]\n```'],
    ['an unclosed fence in capitals', '```JSON [{"name": "f", "arguments": {"a": 1}}]'],
    ['OpenAI', '[{"type": "function", "function": {"name": "f", "arguments": {"a": 1}}}]'],
    ['OpenAI with text', '[{"id": "1", "function": {"name": "f", "arguments": "{\\"a\\": 1}"}}]'],
    ['tool_name', '[{"tool_name": "f", "arguments": {"a": 1}}]'],
    ['an empty name beside tool_name', '[{"name": "", "tool_name": "f", "arguments": {"a": 1}}]'],
    ['flat arguments', '[{"name": "f", "a": 1}]'],
    ['arguments as text', '[{"name": "f", "arguments": "{\'a\': 1}"}]'],
    ['junk around', '[1, "x", null, {"name": "f", "arguments": {"a": 1}}, [], {"nome": "g"}]'],
    ['lists in the list', '[[{"name": "f", "arguments": {"a": 1}}, {"name": "g"}]]'],
  ])('reads %s', (_, answer) => {
    expect(parse(answer)).toEqual([f]);
  });

  it('reads JSON with the constants of Python', () => {
    expect(parse('[{"name": "f", "arguments": {"a": None, "b": true}}]')).toEqual([
      { name: 'f', arguments: { a: null, b: true } },
    ]);
  });

  it('keeps arguments that are no dictionary as one flat argument', () => {
    expect(parse('[{"name": "f", "arguments": [1]}]')).toEqual([
      { name: 'f', arguments: { arguments: [1] } },
    ]);
  });

  it.each([
    'text before [{"name": "f"}]',
    '[{"name": "f"}] text after',
    '[{"name": "f", "arguments": {"a": true}},]',
    '({"name": "f"},)',
    '[{"name": 5}]',
    '[{"name": " "}]',
    '[[[{"name": "f"}]]]',
    '[]',
    'null',
    '',
  ])('finds no call in %j', (answer) => {
    expect(parse(answer)).toBeNull();
  });
});

describe('the Solver prompt', () => {
  const tools: Tool[] = [
    {
      name: 'get_weather',
      description: 'Weather of a city',
      parameters: { city: { type: 'string' } },
      required: ['city'],
    },
    { name: 'get_time', parameters: {} },
  ];

  it('holds the question and every tool, and shows the tags the parser reads', () => {
    const [system, user] = solverMessages('Is it raining in Oslo?', tools);
    expect([system!.role, user!.role]).toEqual(['system', 'user']);
    expect(user!.content).toContain('Is it raining in Oslo?');
    const list = user!.content.slice(user!.content.indexOf('['), user!.content.lastIndexOf(']') + 1);
    expect(JSON.parse(list)).toEqual(tools);
    const fields = extractSolverFields(system!.content);
    expect(parse(fields!.answer)).toEqual([{ name: 'tool_name', arguments: { argument_name: 'value' } }]);
  });

  it('has three layouts only as published, with the same content', () => {
    const layouts = (['training', 'probe', 'verification'] as const).map((stage) =>
      publishedSolverMessages(stage, 'Q?', tools),
    );
    expect(new Set(layouts.map((layout) => JSON.stringify(layout))).size).toBe(3);
    for (const layout of layouts) {
      const text = layout.map(({ content }) => content).join('\n');
      for (const part of ['Q?', 'get_weather', 'get_time', '<tool_call_answer>'])
        expect(text).toContain(part);
    }
    expect(layouts[0]).toEqual(solverMessages('Q?', tools));
  });
});
