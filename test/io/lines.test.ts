import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { linesOf } from '../../lib/io/lines';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tr0-lines-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));

async function read(text: string): Promise<string[]> {
  const file = path.join(folder, 'lines');
  fs.writeFileSync(file, text);
  const lines: string[] = [];
  for await (const line of linesOf(file)) lines.push(line);
  return lines;
}

test('lines end at \\n alone: what else breaks lines may stand in a JSON text', async () => {
  const row = JSON.stringify({ question: 'one\u2028two\u2029three\u0085four' });
  expect(await read(`${row}\n\n${row}\n`)).toEqual([row, '', row]);
  expect(await read('a\nb')).toEqual(['a', 'b']);
  expect(await read('')).toEqual([]);
});

test('a line, and a character, may lie across the pieces in which a file is read', async () => {
  const long = 'ä€😀'.repeat(40_000);
  expect(await read(`${long}\nx${long}\n`)).toEqual([long, `x${long}`]);
});
