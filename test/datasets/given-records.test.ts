import * as path from 'node:path';

import { loadTrainingTasks } from '../../lib/datasets/load-training-tasks';
import { hasUnknownTool } from '../../lib/eval/neutral-record';
import { BENCHMARK_DATA, describeWithData, neutralRecords } from '../eval/benchmarks';

const at = (...parts: string[]) => path.join(BENCHMARK_DATA, ...parts);

describeWithData('given training data', () => {
  // Text for text, the order of tools and of the keys in their schemas too (the model reads them).
  test.each([
    ['rlla_sft.json', 'neutral_sft400.jsonl', 400, 1],
    ['rlla_4k.test.jsonl', 'neutral_rltest80.jsonl', 80, 1],
  ])('ToolRL %s gives the converted records', async (raw, converted, rows, notOffered) => {
    const set = await loadTrainingTasks(at('toolrl/raw', raw));
    const expected = neutralRecords('toolrl', converted);
    expect(expected).toHaveLength(rows);
    expect(set.layout).toBe('toolrl');
    expect(set.problems).toEqual([]);
    expect(set.dropped).toEqual({ gold_not_offered: notOffered });
    const learnable = expected.filter((record) => !hasUnknownTool(record));
    expect(set.records).toEqual(learnable);
    expect(JSON.stringify(set.records.map(({ tools, gold }) => [tools, gold]))).toBe(
      JSON.stringify(learnable.map(({ tools, gold }) => [tools, gold])),
    );
  });
});
