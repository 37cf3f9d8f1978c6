import { RunError } from '../binding/errors';
import type { Random } from '../tasks/random';
import type { CustomReward } from './hooks';

/** Rewards of a batch by function: row-major [rows × functions], NaN = not scored. */
export interface RewardTable {
  names: string[];
  weights: number[];
  values: Float64Array;
}

export function rewardTable(
  names: string[],
  weights: number[],
  rows: readonly (readonly number[])[],
): RewardTable {
  const values = new Float64Array(rows.length * names.length);
  rows.forEach((row, index) => values.set(row, index * names.length));
  return { names, weights, values };
}

/**
 * What a caller's reward function returned, as a table; parts weigh the same.
 * @throws RunError for NaN, infinity or something that is no number, naming the function and the row
 */
export function customRewardTable(hook: string, rows: readonly CustomReward[]): RewardTable {
  const records = rows.map((row) => (typeof row === 'object' && row !== null ? row : { custom: row }));
  const names = [...new Set(records.flatMap((record) => Object.keys(record)))];
  const table = records.map((record, row) =>
    names.map((name) => {
      const value = record[name];
      if (value === null || value === undefined) return NaN;
      if (typeof value !== 'number' || !Number.isFinite(value)) {
        throw new RunError(
          `hooks.${hook}: returned ${String(value)} for completion ${row} (${name}). Return a finite number, or null for "not scored"`,
          { hook, row, name },
        );
      }
      return value;
    }),
  );
  return rewardTable(
    names,
    names.map(() => 1),
    table,
  );
}

/** Rows in random order: rewards go to completions that did not earn them. */
export function shuffleRows(table: RewardTable, random: Random): RewardTable {
  const width = table.names.length;
  const order = random.shuffle(Array.from({ length: table.values.length / width }, (_, row) => row));
  const values = new Float64Array(table.values.length);
  order.forEach((from, to) =>
    values.set(table.values.subarray(from * width, (from + 1) * width), to * width),
  );
  return { ...table, values };
}

/** Weighted sum per row; NaN where no function scored. */
export function totals({ values, weights }: RewardTable): Float64Array {
  const width = weights.length;
  return Float64Array.from({ length: values.length / width }, (_, row) => {
    let sum = NaN;
    for (let column = 0; column < width; column++) {
      const value = values[row * width + column]!;
      if (!Number.isNaN(value)) sum = (Number.isNaN(sum) ? 0 : sum) + weights[column]! * value;
    }
    return sum;
  });
}
