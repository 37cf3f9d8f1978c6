import type { CommandModule } from 'yargs';

import type { Layout } from '../../eval/benchmarks/layouts';
import { loadBenchmark } from '../../eval/load-benchmark';
import { jsonLines, writeAtomic } from '../../io/files';

interface ConvertArguments {
  benchmark: string;
  data?: string;
  layout: Layout;
  out: string;
  json: boolean;
}

/** Options it shares with `eval` are declared there. */
export const evalConvertCommand: CommandModule<object, ConvertArguments> = {
  command: 'convert',
  describe: 'write a set as neutral records, one JSON object per line',
  builder: (yargs) =>
    yargs
      .demandOption(['benchmark', 'out'])
      .example('$0 eval convert --benchmark bfcl --data ./benchmarks --out bfcl.jsonl', '') as never,
  handler: async ({ benchmark: name, data, layout, out, json }) => {
    const { title, records, counts, problems, notes } = await loadBenchmark(name, data, { layout });
    await writeAtomic(out, jsonLines(records));
    const { calls, tools } = counts;
    const malformed = problems.map(({ file, line, message }) => `${file}, ${line}: ${message}`);
    if (json)
      process.stdout.write(`${JSON.stringify({ type: 'converted', name, out, counts, problems, notes })}\n`);
    else
      process.stdout.write(
        `${title}: ${counts.records} records, ${calls} gold calls, ${tools} tools → ${out}\n`,
      );
    for (const line of [...notes, ...malformed]) process.stderr.write(`- ${line}\n`);
  },
};
