/** The published checker's rules, clause by clause. Each row was also judged so by the checker itself, unless it says otherwise. */
import { matchCalls, matchRecord } from '../../lib/eval/match-calls';
import type { NeutralRecord } from '../../lib/eval/neutral-record';
import { languageOf, sourceValue, type SourceLanguage } from '../../lib/eval/source-values';
import type { JsonValue, Tool } from '../../lib/tasks/task';

type Schema = Record<string, JsonValue>;

/** Whether `value` is right for an argument of that schema and those accepted values. */
function isRight(
  schema: Schema,
  accepted: JsonValue[],
  value: JsonValue,
  language?: SourceLanguage,
): boolean {
  const tool: Tool = {
    name: 'f',
    parameters: { type: 'object', properties: { x: schema }, required: [] },
  };
  return matchCalls([{ name: 'f', arguments: { x: value } }], [{ name: 'f', arguments: {} }], {
    alternatives: [{ f: { x: accepted } }],
    tools: [tool],
    ...(language ? { language } : {}),
  }).correct;
}

const list = (type: string): Schema => ({ type: 'array', items: { type } });
const variable = { type: 'integer' };

test.each<[string, Schema, JsonValue[], JsonValue, boolean]>([
  ['texts without case, blanks and marks', { type: 'string' }, ['New York, N.Y.'], 'new-york_ny', true],
  ['single as double quotation marks', { type: 'string' }, ["it's"], 'it"s', true],
  ['other white space counts', { type: 'string' }, ['New York'], 'New\tYork', false],
  ['other marks count', { type: 'string' }, ['New York'], 'New York!', false],
  ['"" accepted: an empty text is, too', { type: 'string' }, ['km', ''], '', true],
  ['an integer for a float', { type: 'number' }, [2], 2, true],
  ['a float for an integer', { type: 'integer' }, [2], 2.5, false],
  ['a nearby float', { type: 'number' }, [0.1], 0.1 + 1e-12, false],
  ['a text for a number', { type: 'number' }, [2], '2', false],
  ['true for 1', { type: 'integer' }, [1], true, false],
  ['1 for true', { type: 'boolean' }, [true], 1, false],
  ['"true" for true', { type: 'boolean' }, [true], 'true', false],
  ['null', { type: 'string' }, ['km', ''], null, false],
  ['null where it is accepted', { type: 'number' }, ['', null], null, true],
  ['a variable’s name', variable, ['count'], 'count', true],
  ['but to the letter', variable, ['count'], 'Count', false],
  ['and not without marks', variable, ['my_count'], 'mycount', false],
  ['names where a text is declared and a truth value accepted', { type: 'string' }, ['', true], true, true],
  ['a list', list('integer'), [[1, 2]], [1, 2], true],
  ['in another order', list('integer'), [[1, 2]], [2, 1], false],
  ['shorter', list('integer'), [[1, 2]], [1], false],
  ['texts in a list', list('string'), [['New York', 'b']], ['new york', 'B.'], true],
  ['texts in lists of a list, to the letter', list('array'), [[['New York']]], [['new york']], false],
  ['numbers as texts in a list', list('integer'), [[1, 2]], ['1', '2'], false],
  ['an empty list where "" is accepted', list('integer'), [[1], ''], [], true],
  ['an empty list where "" is not', list('integer'), [[1]], [], false],
  ['one item for a list of it', list('string'), [['a']], 'a', false],
  ['an object', { type: 'object' }, [{ a: ['X y'], b: [1, ''] }], { a: 'xy' }, true],
  ['with a key that may be left out', { type: 'object' }, [{ a: ['x'], b: [1, ''] }], { b: 1, a: 'x' }, true],
  ['without a key that may not', { type: 'object' }, [{ a: ['x'], b: [1, ''] }], { b: 1 }, false],
  ['with another key', { type: 'object' }, [{ a: ['x'] }], { a: 'x', c: 1 }, false],
  [
    'texts in lists of an object, to the letter',
    { type: 'object' },
    [{ a: [['Ace', 'King']] }],
    { a: ['ace', 'King'] },
    false,
  ],
  ['a list of objects', list('object'), [[{ a: ['x'] }, { a: ['y'] }]], [{ a: 'X' }, { a: 'y' }], true],
  ['in another order', list('object'), [[{ a: ['x'] }, { a: ['y'] }]], [{ a: 'y' }, { a: 'x' }], false],
  ['types by the names of Python', { type: 'str' }, ['New York'], 'new york', true],
  ['types by the names of Python: a number', { type: 'float' }, [2], 2, true],
  ['types by the names of Python: another', { type: 'int' }, [2], '2', false],
  ['types by the names of Python: items', list('str'), [['New York']], ['new york'], true],
  ['a type of several', { type: ['string', 'null'] }, ['New York'], 'new york', true],
  ['no type: as the accepted value', {}, ['New York'], 'new york', true],
  ['no type, values of several: each as it is', {}, [20.5, '20.5'], '20.5', true],
  ['no type, another type', {}, [20.5], '20.5', false],
  // The checker takes the letters of a bare text for its accepted values; no answer could be right.
  ['a key with one accepted value that is no list', { type: 'object' }, [{ a: 'abc' }], { a: 'abc' }, true],
  // In Python false is 0. Not here.
  ['false for 0 in an object', { type: 'object' }, [{ a: [0] }], { a: false }, false],
])('%s', (_, schema, accepted, value, right) => expect(isRight(schema, accepted, value)).toBe(right));

const source = (type: string, format: string, items?: string): Schema => ({
  type,
  format_type: format,
  ...(items ? { items: { type: 'string', format_type: items } } : {}),
});

test.each<[SourceLanguage, Schema, string, JsonValue]>([
  ['java', source('integer', 'integer'), '-5', -5],
  ['java', source('integer', 'integer'), '5L', '5L'],
  ['java', source('integer', 'long'), '5L', 5],
  ['java', source('integer', 'long'), '5', '5'],
  ['java', source('number', 'float'), '2.5f', 2.5],
  ['java', source('number', 'float'), '2.5', '2.5'],
  ['java', source('number', 'double'), '2.5e1', 25],
  ['java', source('boolean', 'boolean'), 'true', true],
  ['java', source('boolean', 'boolean'), 'True', 'True'],
  ['java', source('string', 'String'), '"a"', '"a"'],
  ['java', source('string', 'any'), '5', '5'],
  ['java', source('array', 'Array', 'integer'), 'new int[]{1, 2}', [1, 2]],
  ['java', source('array', 'Array', 'String'), 'new String[] {"a, b", "2"}', ['a, b', '2']],
  ['java', source('array', 'Array', 'String'), 'new String[]{a, 2}', ['a', '2']],
  ['java', source('array', 'ArrayList', 'long'), 'new ArrayList<Long>(Arrays.asList(1L, 2L))', [1, 2]],
  [
    'java',
    source('array', 'ArrayList', 'any'),
    'new ArrayList<>(Arrays.asList("a", 4, true))',
    ['a', 4, true],
  ],
  [
    'java',
    source('array', 'ArrayList', 'String'),
    'new ArrayList<String>() {{ add("a (b)"); add("c"); }}',
    ['a (b)', 'c'],
  ],
  ['java', source('array', 'ArrayList', 'String'), 'new ArrayList<>()', []],
  ['java', source('array', 'ArrayList', 'String'), 'myList', 'myList'],
  [
    'java',
    source('object', 'HashMap'),
    'new HashMap<String, Object>() {{ put("a", 1); put("b", "x, y"); }}',
    { a: 1, b: 'x, y' },
  ],
  ['java', source('object', 'HashMap'), 'new HashMap<>()', {}],
  ['java', source('object', 'HashMap'), 'settings', 'settings'],
  ['javascript', source('string', 'String'), "'a'", 'a'],
  ['javascript', source('string', 'String'), 'a', 'a'],
  ['javascript', source('integer', 'Bigint'), '5n', 5],
  ['javascript', source('number', 'float'), '5', 5],
  ['javascript', source('boolean', 'Boolean'), 'false', false],
  ['javascript', source('array', 'array', 'String'), `['a', "b, c"]`, ['a', 'b, c']],
  ['javascript', source('array', 'array', 'integer'), 'new Array(1, 2)', [1, 2]],
  ['javascript', source('array', 'array', 'array'), '[[1, 2], [3]]', [[1, 2], [3]]],
  ['javascript', source('array', 'array', 'String'), ' items ', 'items'],
  [
    'javascript',
    source('object', 'dict'),
    `{a: 1, 'b-c': [true, "x"], "d": name}`,
    { a: 1, 'b-c': [true, 'x'], d: 'name' },
  ],
  ['javascript', source('object', 'dict'), '{}', {}],
  ['javascript', source('object', 'dict'), '{...rest}', '{...rest}'],
])('%s source of %j: %s', (language, schema, text, value) => {
  expect(sourceValue(text, schema, language)).toEqual(value);
});

test('a value that is no text, or no source, stays as it is', () => {
  expect(sourceValue(5, source('integer', 'long'), 'java')).toBe(5);
  expect(sourceValue('5', { type: 'integer' }, 'java')).toBe('5');
});

test('source text is judged by the value it spells', () => {
  const long = source('integer', 'long');
  expect(isRight(long, [5], '5L', 'java')).toBe(true);
  expect(isRight(long, [5], '5', 'java')).toBe(false);
  // The checker takes texts only, because its prompts ask for them; menus here say `integer`.
  expect(isRight(long, [5], 5, 'java')).toBe(true);
  expect(isRight(source('array', 'array', 'String'), [['a b']], '["A B"]', 'javascript')).toBe(true);
  expect(isRight(source('object', 'HashMap'), ['settings'], 'settings', 'java')).toBe(true);
  expect(isRight(source('object', 'HashMap'), ['settings'], 'Settings', 'java')).toBe(false);
});

describe('the language of a function', () => {
  const tool = (...types: string[]): Tool => ({
    name: 'f',
    parameters: {
      type: 'object',
      properties: Object.fromEntries(types.map((type, index) => [`a${index}`, { format_type: type }])),
    },
  });

  test('is told by its type names', () => {
    expect(languageOf(tool('String', 'boolean'))).toBe('java');
    expect(languageOf(tool('String', 'dict'))).toBe('javascript');
    expect(languageOf(tool('String'))).toBe('java');
    expect(languageOf(undefined)).toBe('java');
  });

  test('or by the category of a BFCL record', () => {
    const record = (category: string): NeutralRecord => ({
      id: 'a',
      question: 'Call f.',
      tools: [
        {
          name: 'f',
          parameters: { type: 'object', properties: { a: source('string', 'String') }, required: ['a'] },
        },
      ],
      gold: [{ name: 'f', arguments: { a: 'x' } }],
      gold_alternatives: [{ f: { a: ['x'] } }],
      meta: { benchmark: 'bfcl', category },
    });
    const quoted = [{ name: 'f', arguments: { a: '"x"' } }];
    expect(matchRecord(quoted, record('simple_javascript')).correct).toBe(true);
    expect(matchRecord(quoted, record('simple_java')).correct).toBe(false);
  });
});

test('names of Object.prototype are ordinary argument names', () => {
  const tool: Tool = {
    name: 'f',
    parameters: {
      type: 'object',
      properties: { constructor: { type: 'string' } },
      required: ['constructor'],
    },
  };
  const judge = (args: Record<string, JsonValue>) =>
    matchCalls([{ name: 'f', arguments: args }], [{ name: 'f', arguments: {} }], {
      alternatives: [{ f: { constructor: ['x'] } }],
      tools: [tool],
    }).correct;
  expect(judge({})).toBe(false);
  expect(judge({ constructor: 'x' })).toBe(true);
});
