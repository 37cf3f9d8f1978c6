import type { RunContext, StageOutcome } from './context';

/**
 * Units of work of the present phase, from where it stands: between two of them the run can stop. `state.done` counts them. A unit that says
 * `stopped` has not been done.
 */
export async function runSteps(
  context: RunContext,
  total: number,
  unit: (index: number) => Promise<StageOutcome | void>,
): Promise<StageOutcome> {
  const { state, budget, config } = context;
  while (state.done < total) {
    if (budget.stopReason() !== undefined) return 'stopped';
    if ((await unit(state.done)) === 'stopped') return 'stopped';
    state.done++;
    const { everySteps } = config.checkpoint;
    const isTraining = state.phase === 'generator' || state.phase === 'solver';
    if (isTraining && everySteps > 0 && state.done % everySteps === 0 && state.done < total)
      await context.checkpoint();
  }
  return 'done';
}
