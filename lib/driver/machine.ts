import type { RunContext, StageOutcome } from './context';
import { curationStage } from './curation-stage';
import type { Phase, StopReason } from './events';
import { generatorStage } from './generator-stage';
import { prepareHeldOut } from './held-out';
import { measure, measureUnits } from './measure-stage';
import { solverStage } from './solver-stage';
import type { RunState } from './state';
import { synthesisStage } from './synthesis-stage';
import { prepareTrainingTasks } from './training-tasks';

/** The phases of one iteration, in order. */
const ITERATION = [
  'generator',
  'synthesis',
  'curation',
  'solver',
  'measure',
] as const satisfies readonly Phase[];

async function prepare(context: RunContext): Promise<StageOutcome> {
  const choose = context.config.tasks === null ? prepareHeldOut : prepareTrainingTasks;
  if (!context.state.heldOut) {
    if (!(await choose(context))) return 'stopped';
    // Measuring a large model takes a while: what was chosen, and the answers to come, outlive a kill.
    await context.checkpoint();
  }
  return measure(context);
}

const STAGES: Readonly<Record<Phase, (context: RunContext) => Promise<StageOutcome>>> = {
  prepare,
  generator: generatorStage,
  synthesis: synthesisStage,
  curation: curationStage,
  solver: solverStage,
  measure,
};

/** Without a Generator (given tasks) only training and measuring of the Solver are left. */
function isSkipped({ config, state }: RunContext): boolean {
  const { phase } = state;
  if (phase === 'solver') return config.solver.steps === 0;
  if (config.tasks !== null) return phase === 'generator' || phase === 'synthesis' || phase === 'curation';
  return phase === 'generator' && (config.ablation.frozenGenerator || config.generator.steps === 0);
}

/** Units of work of the present phase, for display. */
function unitsOf(context: RunContext): number {
  const { config, state } = context;
  switch (state.phase) {
    case 'generator':
      return config.generator.steps;
    case 'solver':
      return config.solver.steps;
    case 'synthesis':
      return config.synthesis.candidates;
    case 'curation':
      return state.candidates.length;
    case 'measure':
      return measureUnits(context);
    case 'prepare':
      return 0;
  }
}

/** The next position after a finished phase. */
export function advance(state: RunState, iterations: number): void {
  state.done = 0;
  const index = (ITERATION as readonly Phase[]).indexOf(state.phase);
  if (state.phase === 'prepare' || index === ITERATION.length - 1) {
    if (state.phase !== 'prepare') {
      state.candidates = [];
      state.tasks = [];
    }
    state.completed = state.iteration >= iterations;
    if (state.completed) return;
    state.iteration++;
    state.phase = ITERATION[0];
    return;
  }
  state.phase = ITERATION[index + 1]!;
}

/**
 * Runs phase after phase from where `state` stands, saving between them, until the last iteration is over or the budget ends.
 * @returns why it stopped early, or undefined
 */
export async function runPhases(context: RunContext): Promise<StopReason | undefined> {
  const { state, config, budget } = context;
  while (!state.completed) {
    // A skipped phase is not worth a checkpoint: it is skipped again after an interruption.
    if (isSkipped(context)) {
      advance(state, config.iterations);
      continue;
    }
    const { iteration, phase } = state;
    const total = unitsOf(context);
    context.emit({ type: 'phase', iteration, phase, state: 'start', total });
    const started = performance.now();
    const outcome = await STAGES[phase](context);
    const seconds = (performance.now() - started) / 1000;
    const ended = outcome === 'done' ? 'end' : 'stopped';
    context.emit({ type: 'phase', iteration, phase, state: ended, total, seconds });
    if (outcome === 'stopped') {
      await context.checkpoint();
      return budget.stopReason();
    }
    advance(state, config.iterations);
    await context.checkpoint();
  }
  return undefined;
}
