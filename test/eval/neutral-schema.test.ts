import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import Ajv2020 from 'ajv/dist/2020';

import { readNeutralFile } from '../../lib/eval/benchmarks/neutral-file';
import { loadTrainingTasks } from '../../lib/datasets/load-training-tasks';
import { loadBenchmark } from '../../lib/eval/load-benchmark';
import { BENCHMARK_DATA, describeWithData, neutralRecords } from './benchmarks';

const schema = JSON.parse(
  fs.readFileSync(path.join(__dirname, '../../assets/neutral-record.schema.json'), 'utf8'),
) as object;
const validate = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(schema);

const tool = {
  name: 'on',
  description: 'Turns on.',
  parameters: { lamp: { type: 'string' } },
  required: ['lamp'],
};
const good = { id: 'a', question: 'On?', tools: [tool], gold: [{ name: 'on', arguments: { lamp: 'x' } }] };

/** Whether the reader takes a row beside one it takes anyway. */
async function reads(row: unknown): Promise<boolean> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-eval-'));
  try {
    const file = path.join(dir, 'exam.jsonl');
    fs.writeFileSync(file, `${JSON.stringify({ ...good, id: 'first' })}\n${JSON.stringify(row)}`);
    return (await readNeutralFile(file)).records.length === 2;
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
}

test.each<[string, unknown, boolean]>([
  ['a record', good, true],
  ['no call wanted', { ...good, gold: [] }, true],
  ['a numeric id', { ...good, id: 7 }, true],
  ['an OpenAI function', { ...good, tools: [{ type: 'function', function: tool }] }, true],
  ['accepted values', { ...good, gold_alternatives: [{ on: { lamp: ['x', ''] } }] }, true],
  ['optional arguments', { ...good, optional_args: [['lamp']] }, true],
  ['a call without arguments', { ...good, gold: [{ name: 'on' }] }, true],
  ['fields that are null', { ...good, meta: null, messages: null, optional_args: null }, true],
  ['no object', 'x', false],
  ['an id that is neither text nor number', { ...good, id: true }, false],
  ['meta that is no object', { ...good, meta: 5 }, false],
  ['messages that are no list', { ...good, messages: {} }, false],
  ['no id', { ...good, id: '' }, false],
  ['no question', { ...good, question: 3 }, false],
  ['no tools', { ...good, tools: [] }, false],
  ['a tool without a name', { ...good, tools: [{ description: 'x' }] }, false],
  ['parameters that are a list', { ...good, tools: [{ name: 'on', parameters: [] }] }, false],
  ['gold that is no list', { ...good, gold: {} }, false],
  ['arguments that are text', { ...good, gold: [{ name: 'on', arguments: '{}' }] }, false],
  ['accepted values that are no list', { ...good, gold_alternatives: [{ on: { lamp: 'x' } }] }, false],
  ['two functions in one alternative', { ...good, gold_alternatives: [{ on: {}, off: {} }] }, false],
  ['optional arguments that are no names', { ...good, optional_args: [[1]] }, false],
])('schema and reader agree on %s', async (_, row, isGood) => {
  expect([validate(row), await reads(row)]).toEqual([isGood, isGood]);
});

describeWithData('published benchmarks', () => {
  test.each(['sft400', 'rltest80'])(
    'ToolRL’s %s, where menus offer a tool twice, is read whole',
    async (name) => {
      const file = path.join(BENCHMARK_DATA, 'toolrl', `neutral_${name}.jsonl`);
      const exam = await loadBenchmark(file);
      const training = await loadTrainingTasks(file);
      expect([exam.problems, training.problems]).toEqual([[], []]);
      const count = Number(/\d+/.exec(name)![0]);
      expect(exam.records).toHaveLength(count);
      // Each has one record that calls what it does not offer: it cannot be learnt.
      expect(training.dropped).toEqual({ gold_not_offered: 1 });
      expect(training.records).toHaveLength(count - 1);
    },
  );

  test.each(['toolalpaca', 'sealtools', 'nexusraven', 'apibank', 'snips', 'bfcl'])(
    '%s keeps the schema',
    (name) => {
      const wrong = neutralRecords(name, 'neutral.jsonl').filter((record) => !validate(record));
      expect(wrong).toEqual([]);
    },
  );
});
