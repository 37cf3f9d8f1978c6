import { nextTurn, SLICE_MILLISECONDS } from '../../io/yielding';

/** Work in small steps, one record each; between them the event loop may turn. */
export type Steps = Iterable<void>;

/** All steps at once. */
export function runSteps(steps: Steps): void {
  for (const _ of steps);
}

/** All steps; the event loop turns every few milliseconds. */
export async function runStepsYielding(steps: Steps): Promise<void> {
  let sliceEnd = performance.now() + SLICE_MILLISECONDS;

  for (const _ of steps) {
    if (performance.now() < sliceEnd) continue;
    await nextTurn();
    sliceEnd = performance.now() + SLICE_MILLISECONDS;
  }
}
