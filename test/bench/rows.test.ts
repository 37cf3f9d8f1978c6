import { plotHtml } from '../../lib/bench/plot';
import { jsonRow, rowOf } from '../../lib/bench/rows';
import { ratioText, spreadText, tableText } from '../../lib/bench/table';
import { measured, row } from './support';

const context = {
  suite: 'grpo-step',
  shape: 'embedded',
  device: 'cpu',
  dtype: 'float32',
  metric: 'tok/s',
  workload: '2 × 3 tokens',
  bound: 1,
  flops: null,
} as const;

test('a row holds medians, ratios of pairs, share of the limit and peaks', () => {
  const ours = measured([4, 2, 5], { stateBytes: 5e8 });
  const result = rowOf(context, ours, 'trl', measured([8, 8, 5]));
  expect(result).toMatchObject({
    ours: 25,
    peer: 12.5,
    ratio: 2,
    share: 0.25,
    peakBytes: 5e9,
    peerPeakBytes: 8e9,
  });
  expect(result).toMatchObject({ stateBytes: 5e8, peerStateBytes: null, phases: { decodeSeconds: 2 } });
  expect(result.ratios).toEqual([2, 4, 1]);
});

test('an absent peer leaves its figures null and keeps its name', () => {
  const result = jsonRow(rowOf({ ...context, bound: null }, measured([4]), 'trl', undefined));
  expect(result).toEqual({
    suite: 'grpo-step',
    shape: 'embedded',
    device: 'cpu',
    dtype: 'float32',
    metric: 'tok/s',
    ours: 25,
    peer: null,
    peerName: 'trl',
    ratio: null,
    share: null,
    peakBytes: 4e9,
    peerPeakBytes: null,
    stateBytes: null,
    peerStateBytes: null,
  });
});

test('without /proc there is no peak; on CUDA it is the device’s', () => {
  const ours = measured([1]);
  for (const reply of [ours.warmUp, ...ours.repetitions]) Object.assign(reply, { peakResidentBytes: null });
  expect(rowOf(context, ours, null, undefined).peakBytes).toBeNull();
  const onCuda = measured([1]);
  Object.assign(onCuda.repetitions[0]!, { peakCudaBytes: 7e9 });
  expect(rowOf({ ...context, device: 'cuda' }, onCuda, null, undefined).peakBytes).toBe(7e9);
});

test('MFU is of the training part alone, where the trainer counts', () => {
  const ours = measured([4]);
  expect(rowOf({ ...context, flops: 1e9 }, ours, null, undefined).mfu).toBeNull();
  Object.assign(ours.repetitions[0]!, { trainFlops: 1e9, phases: { trainSeconds: 2 } });
  expect(rowOf({ ...context, flops: 1e9 }, ours, null, undefined).mfu).toBe(0.5);
});

test('phases of an iteration are scaled up', () => {
  const scaled = rowOf(
    {
      ...context,
      phases: (phases) => Object.fromEntries(Object.entries(phases).map(([name, s]) => [name, 10 * s])),
    },
    measured([4]),
    null,
    undefined,
  );
  expect(scaled.phases).toEqual({ decodeSeconds: 20 });
});

test('the table shows spread, ratio and memory above state, in columns', () => {
  expect(spreadText([1000, 3000, 2000])).toBe('2.0k (1.0k–3.0k)');
  expect(spreadText([])).toBe('–');
  expect(ratioText({ ratio: 12.34, ratios: [11, 13] })).toBe('12.3 (11.0–13.0)');
  const text = tableText([
    row({ peakBytes: 3e9, stateBytes: 2e9 }),
    row({
      peer: null,
      peerName: 'liger',
      peerRates: [],
      ratios: [],
      ratio: null,
      peerVersion: null,
      share: null,
    }),
  ]);
  const [head, rule, first, second] = text.split('\n');
  expect(head).toMatch(
    /^suite +shape +dtype +workload +ours tok\/s +peer +peer tok\/s +ratio +share of limit/,
  );
  expect(rule).toMatch(/^[─ ]+$/);
  expect(first).toMatch(
    /9\.0k \(8\.0k–10\.0k\) +transformers 5\.0\.0 +3\.0k \(2\.9k–3\.1k\) +3\.00 \(2\.70–3\.30\) +50 % +3\.0 GB \(1\.0 GB\) +500 MB$/,
  );
  expect(second).toMatch(/liger +– +– +–/);
});

test('notes under the table: phases and mismatch, each once', () => {
  const mismatch = { mean: 1e-6, p99: 2e-6, outside: 0 };
  const text = tableText([
    row({ mismatch, phases: { decodeSeconds: 0.25 } }),
    row({ mismatch, phases: { decodeSeconds: 0.25 } }),
  ]);
  expect(text.match(/rollout embedded, ours: decode 0\.25 s/g)).toHaveLength(1);
  expect(text.match(/ours: mean 1\.0e-6, p99 2\.0e-6, 0\.0 % outside/g)).toHaveLength(1);
});

describe('the plot', () => {
  const page = plotHtml(
    [row(), row({ peerName: 'trl', peer: null, peerRates: [], ratio: null, ratios: [] })],
    'A <fast> machine',
  );

  test('asks for nothing from anywhere and fits a phone', () => {
    expect(page).not.toMatch(/<script|<link|https?:|src=|@import|url\(/);
    expect(page).toContain('name="viewport" content="width=device-width');
  });

  test('escapes text and draws one bar per side that was measured', () => {
    expect(page).toContain('A &#60;fast&#62; machine');
    expect(page.match(/<rect class="ours"/g)).toHaveLength(1);
    expect(page.match(/<rect class="peer"/g)).toHaveLength(1);
    expect(page).toContain('width="360.0"'.replace('360.0', ((9000 / 10000) * 360).toFixed(1)));
  });
});
