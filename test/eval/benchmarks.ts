import * as fs from 'node:fs';
import * as path from 'node:path';

import type { NeutralRecord } from '../../lib/eval/neutral-record';

/** Published benchmark data; not part of the repository. */
export const BENCHMARK_DATA = path.join(__dirname, '../../../shared/benchmarks');
const present = fs.existsSync(path.join(BENCHMARK_DATA, 'NOTES.md'));
if (!present) process.stderr.write(`skipped: no benchmark data at ${BENCHMARK_DATA}\n`);

/** describe, or describe.skip where the data is absent. */
export const describeWithData = present ? describe : describe.skip;

export const readJsonLines = <T>(...parts: string[]): T[] =>
  fs
    .readFileSync(path.join(BENCHMARK_DATA, ...parts), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

export const neutralRecords = (...parts: string[]): NeutralRecord[] => readJsonLines<NeutralRecord>(...parts);
