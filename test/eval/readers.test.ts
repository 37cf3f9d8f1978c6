import { BENCHMARKS } from '../../lib/eval/benchmarks/catalog';
import type { Layout } from '../../lib/eval/benchmarks/layouts';
import { loadBenchmark } from '../../lib/eval/load-benchmark';
import { hasUnknownTool } from '../../lib/eval/neutral-record';
import { BENCHMARK_DATA, describeWithData, neutralRecords } from './benchmarks';

const CONVERTED: readonly [name: string, layout: Layout, files: readonly string[]][] = [
  ['toolalpaca', 'original', ['toolalpaca/neutral.jsonl']],
  ['toolalpaca-simulated', 'original', ['toolalpaca/neutral_simulated.jsonl']],
  ['seal-tools', 'original', ['sealtools/neutral.jsonl']],
  ['seal-tools-difficult', 'original', ['sealtools/neutral_difficult.jsonl']],
  ['nexusraven', 'original', ['nexusraven/neutral.jsonl']],
  ['api-bank', 'original', ['apibank/neutral.jsonl']],
  ['snips', 'original', ['snips/neutral.jsonl']],
  ['bfcl', 'original', ['bfcl/neutral.jsonl']],
  ['toolalpaca', 'hammer', ['hammer/neutral_toolalpaca.jsonl']],
  ['seal-tools', 'hammer', ['hammer/neutral_sealtool.jsonl']],
  ['api-bank', 'hammer', ['hammer/neutral_apibank_l1.jsonl', 'hammer/neutral_apibank_l2.jsonl']],
];

describeWithData('published benchmarks', () => {
  // Without any difference: text for text, the order of tools and of the keys in their schemas too (the model reads them).
  test.each(CONVERTED)('%s (%s) gives the converted records', async (name, layout, files) => {
    const { records, problems, counts } = await loadBenchmark(name, BENCHMARK_DATA, { layout });
    const expected = files.flatMap((file) => neutralRecords(file));
    expect(problems).toEqual([]);
    expect(counts).toEqual(BENCHMARKS.find((entry) => entry.name === name)!.readers[layout]!.counts);
    expect(records).toEqual(expected);
    expect(JSON.stringify(records.map(({ tools, gold }) => [tools, gold]))).toBe(
      JSON.stringify(expected.map(({ tools, gold }) => [tools, gold])),
    );
  });

  test.each([
    ['toolalpaca', 'original', 6],
    ['toolalpaca', 'hammer', 6],
    ['api-bank', 'original', 14],
    ['api-bank', 'hammer', 6],
    ['seal-tools-difficult', 'original', 5],
    ['bfcl', 'original', 0],
  ] as const)('%s (%s): gold calls of functions that are not offered', async (name, layout, count) => {
    const { records } = await loadBenchmark(name, BENCHMARK_DATA, { layout });
    expect(records.filter(hasUnknownTool)).toHaveLength(count);
  });

  test('Seal-Tools lists the right tool first in 258 of 294 rows', async () => {
    const { records } = await loadBenchmark('seal-tools', BENCHMARK_DATA);
    expect(records.filter(({ tools, gold }) => tools[0]!.name === gold[0]!.name)).toHaveLength(258);
  });

  test.each(['original', 'hammer'] as const)(
    'API-Bank (%s): as many duplicates as the note says',
    async (layout) => {
      const { records, notes } = await loadBenchmark('api-bank', BENCHMARK_DATA, { layout });
      const distinct = new Set(records.map(({ question, gold }) => JSON.stringify([question, gold])));
      expect(notes).toContain(`${records.length - distinct.size} rows are exact duplicates`);
    },
  );

  test('a set that Hammer does not hold is read as published, and says so', async () => {
    const { layout, notes } = await loadBenchmark('snips', BENCHMARK_DATA, { layout: 'hammer' });
    expect(layout).toBe('original');
    expect(notes.join()).toContain('does not come in the hammer layout');
  });
});
