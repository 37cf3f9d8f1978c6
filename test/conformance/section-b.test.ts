import { checkSectionB } from '../../lib/conformance/section-b';
import { VECTORS, itWithVectors } from '../vectors';

itWithVectors(
  'the Generator’s reward gives what the reference gives, on every row of section B',
  async () => {
    const results = await checkSectionB(VECTORS);
    expect(
      results.flatMap(({ file, failures }) => failures.map((failure) => ({ file, ...failure }))),
    ).toEqual([]);
    expect(results.map(({ file, skipped }) => ({ file, skipped }))).toEqual(
      results.map(({ file }) => ({ file, skipped: 0 })),
    );
    expect(results.map(({ passed, departed }) => [passed, departed])).toEqual([
      [420, 0],
      [50, 0],
      [94, 0],
      [96, 0],
      [27, 0],
      [32, 0],
      [40, 0],
      [36, 0],
      [72, 0],
      [0, 1],
    ]);
  },
);
