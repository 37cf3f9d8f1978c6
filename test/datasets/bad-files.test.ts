import * as path from 'node:path';
import * as zlib from 'node:zlib';

import { ConfigError } from '../../lib/binding/errors';
import { loadTrainingTasks } from '../../lib/datasets/load-training-tasks';
import type { TrainingLayout } from '../../lib/datasets/layouts';
import { TestFolder } from './files';

let folder: TestFolder;
beforeEach(() => (folder = new TestFolder()));
afterEach(() => folder.remove());

const record = (id: number) => ({
  id: `a-${id}`,
  question: 'Switch on the lamp – 図.',
  tools: [{ name: 'on', parameters: { lamp: { type: 'string' } } }],
  gold: [{ name: 'on', arguments: { lamp: 'hall' } }],
});
const RECORDS = [record(1), record(2), record(3)];
const LINES = RECORDS.map((row) => JSON.stringify(row)).join('\n');

async function refusal(file: string, layout?: TrainingLayout): Promise<string> {
  const error = await loadTrainingTasks(file, layout && { layout }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConfigError);
  expect((error as ConfigError).message).toContain(path.basename(file));
  expect((error as ConfigError).details['file']).toBe(file);
  return (error as ConfigError).message;
}

describe('files that are something else', () => {
  test.each([
    ['PAR1\x15\x04', /parquet.*read_parquet\('.*f'\)\.to_json\('.*f\.jsonl', orient='records', lines=True\)/],
    ['PAR1\x15\x04', /duckdb -c "COPY \(FROM '.*f'\) TO '.*f\.jsonl' \(FORMAT json\)"/],
    [zlib.gzipSync(LINES), /gzip: unpack it with gunzip/],
    [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0]), /zstd/],
    ['PK\x03\x04', /unzip/],
    ['ARROW1\0\0', /read_feather/],
    ['version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n', /LFS pointer.*git lfs pull/],
    [Buffer.from(`\ufeff${LINES}`, 'utf16le'), /iconv/],
    ['', /is empty/],
    [' \n\n', /is empty/],
    ['id,question\n1,x\n', /neither a JSON list nor JSON lines: it begins with "id,question/],
    ['<html><body>Sign in</body></html>', /begins with "<html>/],
    ['{"a": 1', /holds no task.*record 1: row is not valid JSON.*jq -c/],
    ['{\n  "id": 1\n}\n', /holds no task.*jq -c/],
    ['[1, "x", null]', /holds no task.*record 1: row must be an object/],
    ['[]', /holds no task/],
    [JSON.stringify({ data: RECORDS }), /none of the layouts known: neutral \{id, question.*fields data/],
  ] as const)('%#: %j', async (content, message) => {
    expect(await refusal(folder.write('f', content))).toMatch(message);
  });

  test('a folder, and no file', async () => {
    expect(await refusal(folder.path)).toMatch(/is a folder: name the file/);
    expect(await refusal(path.join(folder.path, 'absent.jsonl'))).toMatch(
      /absent\.jsonl: cannot be read \(it is not there/,
    );
  });

  test('what counts is the content, not the ending; a byte order mark does no harm', async () => {
    for (const file of [
      folder.write('a.parquet', LINES),
      folder.write('b.jsonl', JSON.stringify(RECORDS)),
      folder.write('c.json', `\ufeff${LINES.replace(/\n/g, '\r\n\r\n')}\r\n`),
      folder.write('d', `\ufeff\n${JSON.stringify(RECORDS, null, 2)}\n`),
    ]) {
      expect((await loadTrainingTasks(file)).records).toEqual(RECORDS);
    }
  });
});

describe('files that are cut off', () => {
  test('lines', async () => {
    const message = await refusal(folder.write('f.jsonl', LINES.slice(0, -20)));
    expect(message).toMatch(/record 3 does not end before the file does.*Fetch it again/);
  });

  test('a list, within a record and between two', async () => {
    const text = JSON.stringify(RECORDS);
    const between = text.lastIndexOf(',{"id"');
    expect(await refusal(folder.write('f.json', text.slice(0, -20)))).toMatch(/record 3 does not end/);
    expect(await refusal(folder.write('g.json', text.slice(0, between + 1)))).toMatch(
      /record 3 does not end/,
    );
  });

  test('a broken line in the middle costs that line only', async () => {
    const text = `${LINES.replace('"a-2"', '"a-2')}\n`;
    const { records, problems } = await loadTrainingTasks(folder.write('f.jsonl', text));
    expect(records.map(({ id }) => id)).toEqual(['a-1', 'a-3']);
    expect(problems.map(({ line, field }) => [line, field])).toEqual([[2, 'row']]);
  });

  test('a broken item of a list costs that item only', async () => {
    const text = JSON.stringify(RECORDS).replace('"id":"a-2"', '"id":a-2');
    const { records, problems } = await loadTrainingTasks(folder.write('f.json', text));
    expect(records.map(({ id }) => id)).toEqual(['a-1', 'a-3']);
    expect(problems.map(({ line, field }) => [line, field])).toEqual([[2, 'row']]);
  });

  test('a record without end is refused before it fills the memory', async () => {
    const endless = folder.write('f.json', `[{"id": "${'x'.repeat(70 * 2 ** 20)}`);
    expect(await refusal(endless)).toMatch(/record 1 is longer than 64 MiB/);
  });
});

describe('layouts', () => {
  test('a wrong one is answered with the one that it looks like', async () => {
    expect(await refusal(folder.write('f', LINES), 'xlam')).toMatch(
      /looks like the layout neutral, \{id, question, tools, gold\}, not like xlam, \{query, tools, answers\}/,
    );
  });

  test('rows of no known layout: the layouts are listed by their telling fields', async () => {
    const rows = Array.from({ length: 60 }, (_, index) => ({ text: `${index}`, label: 1 }));
    const message = await refusal(folder.lines('f', rows));
    for (const name of ['neutral', 'toolrl', 'xlam', 'toolace', 'hammer'])
      expect(message).toContain(`${name} {`);
    expect(message).toMatch(/has the fields text, label/);
    expect(await refusal(folder.lines('g', rows), 'xlam')).toMatch(/no task.*record 1: tools must be a list/);
  });

  test('a few odd rows before the first that tells the layout are left out, in their place', async () => {
    const rows = [{ comment: 'made by hand' }, 7, ...RECORDS];
    const { layout, records, problems } = await loadTrainingTasks(folder.lines('f', rows));
    expect(layout).toBe('neutral');
    expect(records).toEqual(RECORDS);
    expect(problems.map(({ line, field }) => [line, field])).toEqual([
      [2, 'row'],
      [1, 'tools'],
    ]);
  });

  test('where every record is left out, the reasons are told', async () => {
    const rows = RECORDS.map((row) => ({ ...row, gold: [{ name: 'off', arguments: {} }] }));
    expect(await refusal(folder.lines('f', rows))).toMatch(/holds no task.*left out: gold_not_offered 3/);
  });
});
