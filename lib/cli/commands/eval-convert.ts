import type { CommandModule } from 'yargs';

import { countRecords } from '../../eval/neutral-record';
import { openAllBenchmarks } from '../../eval/session/open-benchmarks';
import { limitRecords } from '../../eval/session/run';
import { jsonLines, writeAtomic } from '../../io/files';
import { checkOutputFile } from '../output-paths';
import { CONVERT_OPTIONS, convertArguments, type GivenEvalArguments } from './eval-options';

export const evalConvertCommand: CommandModule<object, GivenEvalArguments> = {
  command: 'convert',
  describe: 'write a set as neutral records, one JSON object per line',
  builder: (yargs) =>
    yargs
      .options(CONVERT_OPTIONS)
      .example('$0 eval convert --benchmark bfcl --data ./benchmarks --out bfcl.jsonl', ''),
  handler: async (given) => {
    const { benchmark, data, layout, limit, out, json } = convertArguments(given);
    checkOutputFile('--out', out);
    const { benchmarks } = await openAllBenchmarks([benchmark], data, layout);
    const { name, title, records: all, problems, notes } = benchmarks[0]!;
    const records = limitRecords(all, limit);
    const counts = countRecords(records);
    await writeAtomic(out, jsonLines(records));
    const malformed = problems.map(({ file, line, message }) => `${file}, ${line}: ${message}`);
    if (json)
      process.stdout.write(`${JSON.stringify({ type: 'converted', name, out, counts, problems, notes })}\n`);
    else {
      const part = records.length < all.length ? ` of ${all.length}` : '';
      process.stdout.write(
        `${title}: ${counts.records}${part} records, ${counts.calls} gold calls, ${counts.tools} tools → ${out}\n`,
      );
    }
    for (const line of [...notes, ...malformed]) process.stderr.write(`- ${line}\n`);
  },
};
