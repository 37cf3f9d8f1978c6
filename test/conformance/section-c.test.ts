import { checkSectionC } from '../../lib/conformance/section-c';
import { VECTORS, itWithVectors } from '../vectors';

itWithVectors('curation gives what the reference gives, on every row of section C', async () => {
  const results = await checkSectionC(VECTORS);
  expect(results.flatMap(({ file, failures }) => failures.map((failure) => ({ file, ...failure })))).toEqual(
    [],
  );
  expect(results.map(({ passed, departed, skipped }) => [passed, departed, skipped])).toEqual([
    [432, 0, 0],
    [12, 0, 0],
    [60, 0, 0],
    [214, 0, 0],
    [24, 0, 0],
  ]);
});
