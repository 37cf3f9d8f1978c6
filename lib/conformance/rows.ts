import { Mismatch, mayDepart, type FileResult, type VectorRow } from './types';

/** A named check on one row of an oracle file; throws Mismatch when the result differs. */
export interface RowCheck {
  id: string;
  row: VectorRow;
  check: () => unknown;
}

/** Like `checkJsonl`, for oracle files that are one JSON document: runs the checks and counts them. */
export async function runRows(file: string, checks: readonly RowCheck[]): Promise<FileResult> {
  const result: FileResult = { file, passed: 0, failed: 0, departed: 0, skipped: 0, failures: [] };
  for (const { id, row, check } of checks) {
    try {
      await check();
      result.passed++;
    } catch (error) {
      const defined = error instanceof Mismatch;
      if (defined && mayDepart(row)) {
        result.departed++;
        continue;
      }
      result.failed++;
      const message = error instanceof Error ? error.message : String(error);
      result.failures.push({ id, message: defined ? message : `exception: ${message}` });
    }
  }
  return result;
}

/** Below this magnitude a relative comparison means nothing: the oracle's own sums cancel to about 1e-16. */
const ABSOLUTE_FLOOR = 1e-12;

/** Throws Mismatch unless every value agrees within `relative` (of the expected one) or within `absolute`. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  what: string,
  relative: number,
  absolute = ABSOLUTE_FLOOR,
): void {
  if (actual.length !== expected.length) {
    throw new Mismatch(`${what}: ${actual.length} values, expected ${expected.length}`);
  }
  for (let index = 0; index < expected.length; index++) {
    const a = actual[index]!;
    const b = expected[index]!;
    if (!(Math.abs(a - b) <= Math.max(absolute, relative * Math.abs(b)))) {
      throw new Mismatch(`${what}[${index}]: got ${a}, expected ${b}`);
    }
  }
}
