import { synthesizeBatch } from '../synthesis/synthesize';
import { sampleSpecs } from '../tasks/spec';
import { randomAt, seedFrom, type RunContext, type StageOutcome } from './context';
import { specTable } from './generator-stage';
import { readNothing, sample } from './sampler';
import type { Candidate } from './state';
import { runSteps } from './steps';

/** Stage 2a: the frozen Generator writes candidate tasks. `state.done` counts batches. */
export async function synthesisStage(
  context: RunContext,
  count = context.config.synthesis.candidates,
): Promise<StageOutcome> {
  const { config, prompts, roles, state } = context;
  const { batchSize, sampling } = config.synthesis;
  const specs = sampleSpecs(randomAt(context, 'synthesis specs'), count, specTable(context));
  const started = performance.now();
  const already = state.candidates.length;
  const outcome = await runSteps(context, Math.ceil(count / batchSize), async (batch) => {
    const raw = await synthesizeBatch(specs, batch, batchSize, async (asked) => {
      const sampled = await sample(
        roles.policy('generator'),
        asked.map((spec) => prompts.generator(spec)),
        {
          n: 1,
          sampling,
          seed: seedFrom(randomAt(context, `synthesis batch ${batch}`)),
          onProgress: (done) => context.progress('synthesis', batch * batchSize + done, count),
        },
        config.rollout,
        readNothing,
      );
      return sampled.texts.map((completion, row) => ({
        completion,
        tokens: sampled.rollout.row(row).length,
        truncated: sampled.rollout.finishReasons[row] !== 'stop',
      }));
    });
    state.candidates.push(...raw.map((candidate): Candidate => ({ ...candidate, verdict: 'pending' })));
  });
  if (outcome === 'done') {
    const written = state.candidates.slice(already).reduce((sum, { tokens }) => sum + tokens, 0);
    context.emit({
      type: 'synthesis',
      iteration: state.iteration,
      candidates: state.candidates.length,
      tokensPerSecond: (1000 * written) / Math.max(1, performance.now() - started),
    });
  }
  return outcome;
}
