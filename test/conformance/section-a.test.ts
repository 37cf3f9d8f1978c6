import { checkSectionA } from '../../lib/conformance/section-a';
import { VECTORS, itWithVectors } from '../vectors';

itWithVectors('the Solver’s reward gives what the reference gives, on every row of section A', async () => {
  const results = await checkSectionA(VECTORS);
  expect(results.flatMap(({ file, failures }) => failures.map((failure) => ({ file, ...failure })))).toEqual(
    [],
  );
  expect(results.map(({ passed, departed, skipped }) => [passed, departed, skipped])).toEqual([
    [780, 0, 0],
    [200, 0, 0],
    [560, 0, 0],
    [60, 0, 0],
  ]);
});
