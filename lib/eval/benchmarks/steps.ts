import { nextTurn, SLICE_MILLISECONDS } from '../../io/yielding';

/** Work in small steps, one record each; between them the event loop may turn. */
export type Steps = Iterable<void>;

/** Takes all steps; the event loop turns every few milliseconds. */
export async function runSteps(steps: Steps): Promise<void> {
  let sliceEnd = performance.now() + SLICE_MILLISECONDS;

  for (const _ of steps) {
    if (performance.now() < sliceEnd) continue;
    await nextTurn();
    sliceEnd = performance.now() + SLICE_MILLISECONDS;
  }
}
