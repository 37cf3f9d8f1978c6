import * as path from 'node:path';

import { loadTrainingTasks } from '../../lib/datasets/load-training-tasks';
import { hasUnknownTool } from '../../lib/eval/neutral-record';
import { BENCHMARK_DATA, describeWithData, neutralRecords, readJsonLines } from '../eval/benchmarks';
import { TestFolder } from './files';

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

  // The form of ToolRL's parquet files; those rows gave the same records, too, converted by pandas and by duckdb.
  test('ToolRL’s rows of prompt, reward_model and extra_info give the same records', async () => {
    const given = readJsonLines<Record<'instruction' | 'input' | 'output', string>>(
      'toolrl/raw/rlla_4k.test.jsonl',
    );
    const rows = given.map(({ instruction, input, output }, index) => ({
      data_source: 'rlla',
      prompt: [
        { role: 'system', content: instruction },
        { role: 'user', content: input },
      ],
      ability: 'math',
      reward_model: { style: 'rule', ground_truth: output },
      extra_info: { split: 'test', index },
    }));
    const folder = new TestFolder();
    const { records } = await loadTrainingTasks(folder.lines('parquet.jsonl', rows));
    folder.remove();
    expect(records).toEqual((await loadTrainingTasks(at('toolrl/raw/rlla_4k.test.jsonl'))).records);
  });

  test('Hammer’s example of its training data', async () => {
    const set = await loadTrainingTasks(at('hammer/raw/masking_sft_data_example.json'));
    expect(set).toMatchObject({ layout: 'hammer', problems: [], dropped: {} });
    expect(set.records.map(({ gold }) => gold.length)).toEqual([0, 1, 2, 4, 1, 2, 1, 2, 1, 0]);
    expect(set.records[5]).toMatchObject({
      id: 'hammer-000005',
      question: 'What are the addresses for postcodes B1 1BB and EC1A 1BB in the UK?',
      gold: [
        { name: 'find_by_postcode', arguments: { postcode: 'B1 1BB' } },
        { name: 'find_by_postcode', arguments: { postcode: 'EC1A 1BB' } },
      ],
    });
  });

  test('neutral records come back as they are', async () => {
    const { layout, records } = await loadTrainingTasks(at('bfcl/neutral.jsonl'));
    expect(layout).toBe('neutral');
    expect(records).toEqual(neutralRecords('bfcl/neutral.jsonl'));
  });
});
