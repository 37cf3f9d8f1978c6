import { keepByAgreement, isWorthVerifying } from '../curation/cross-verify';
import { measureAgreement } from '../curation/agreement';
import { labelByAgreement, labelByJudge, select } from '../curation/select';
import type { CandidateTask } from '../curation/types';
import { RunError } from '../binding/errors';
import type { Task } from '../tasks/task';
import { randomAt, seedFrom, type RunContext, type StageOutcome } from './context';
import { specTable } from './generator-stage';
import { agreementHistogram, countBy } from './metrics';
import { contentKey, probesServeVerification, solverAnswers } from './probe';
import { readNothing, sample } from './sampler';
import type { Candidate } from './state';
import { runSteps } from './steps';
import { drop, structuralTasks, type Structural } from './structural';
import { mapYielding } from '../io/yielding';

const candidateOf = ({ state }: RunContext, task: Pick<Task, 'id'>): Candidate =>
  state.candidates[Number(task.id)]!;

/** Fills in p̂ of each task from the Generator's probes where they asked the same, and the rest by asking the Solver. */
async function verifyBatch(
  context: RunContext,
  tasks: readonly CandidateTask[],
  batch: number,
): Promise<void> {
  const { config, published, state } = context;
  const { samples, sampling } = config.curation.verify;
  const canReuse =
    probesServeVerification(config) && !published.namesOnlyVerification && !published.threeSolverPrompts;
  const asked: CandidateTask[] = [];
  for (const task of tasks) {
    const candidate = candidateOf(context, task);
    const known = canReuse ? state.probes[contentKey(task)] : undefined;
    if (!isWorthVerifying(task)) Object.assign(candidate, { agreement: 0, failure: 'placeholder_question' });
    else if (known) candidate.agreement = known.agreement;
    else asked.push(task);
  }
  if (context.hooks.verify) {
    const shares = await context.hooks.verify(asked);
    asked.forEach((task, index) => (candidateOf(context, task).agreement = shares[index] ?? 0));
    return;
  }
  const { texts } = await solverAnswers(context, asked, {
    samples,
    sampling: published.lowTemperatureVerification ? { ...sampling, temperature: 0.001 } : sampling,
    stage: 'verification',
    random: randomAt(context, `verification ${batch}`),
  });
  const options = { published, samples, requireThink: config.solver.reward.requireThink };
  await mapYielding(asked, (task, index) => {
    const { agreement, reason } = measureAgreement(texts[index]!, task.gold, options);
    Object.assign(candidateOf(context, task), { agreement, failure: reason });
  });
}

async function labelled(context: RunContext, tasks: readonly CandidateTask[]): Promise<CandidateTask[]> {
  const { config, prompts, roles } = context;
  if (config.curation.difficultyBy === 'agreement' || tasks.length === 0) return labelByAgreement(tasks);
  const { texts } = await sample(
    roles.policy('solver'),
    tasks.map((task) => prompts.difficulty(task.question, task.tools, task.gold)),
    { n: 1, sampling: config.curation.judgeSampling, seed: seedFrom(randomAt(context, 'difficulty labels')) },
    config.rollout,
    readNothing,
  );
  return labelByJudge(tasks, texts);
}

async function selected(context: RunContext, tasks: readonly CandidateTask[]): Promise<Task[]> {
  const { config, hooks, published, state } = context;
  if (hooks.select) {
    const own = await hooks.select(tasks, state.iteration);
    // The caller's choice may bring tasks of its own: the held-out ones stay out all the same.
    return own.filter((task) => context.guard.reason(task) === undefined);
  }
  const { tasks: wanted, shares, order } = config.curation;
  const { kept } = select(tasks, {
    tasks: wanted,
    random: randomAt(context, 'selection'),
    shares,
    domainWeights: specTable(context).domains,
    order: published.shuffledCurriculum ? 'shuffle' : order,
    published,
  });
  return kept;
}

/** A task without what only curation needs. */
const plain = ({ id, question, tools, gold, spec, agreement, difficulty, provenance }: Task): Task => ({
  id,
  question,
  tools,
  gold,
  ...(spec ? { spec } : {}),
  ...(agreement === undefined ? {} : { agreement }),
  ...(difficulty ? { difficulty } : {}),
  ...(provenance ? { provenance } : {}),
});

function nothingLeft(context: RunContext, structural: Structural, what: string, advice: string): RunError {
  const rejections = countBy(context.state.candidates, (candidate) => candidate.reason);
  const counts = Object.entries(rejections)
    .sort(([, left], [, right]) => right - left)
    .map(([reason, number]) => `${reason} ${number}`)
    .join(', ');
  return new RunError(
    `${what} (iteration ${context.state.iteration}, ${context.state.candidates.length} candidates, ${structural.valid} valid). ` +
      `Dropped: ${counts}. ${advice} Every candidate with its reason is in ${context.folder.path('candidates')}`,
    { iteration: context.state.iteration, rejections },
  );
}

function report(context: RunContext, structural: Structural, verified: readonly CandidateTask[]): void {
  const { state, config } = context;
  const { iteration, candidates, tasks } = state;
  const measured = structural.tasks.flatMap((task) => candidateOf(context, task).agreement ?? []);
  context.emit({
    type: 'curation',
    iteration,
    candidates: candidates.length,
    valid: structural.valid,
    unique: structural.tasks.length,
    kept: verified.length,
    selected: tasks.length,
    rejections: countBy(candidates, (candidate) => candidate.reason),
    difficulties: countBy(tasks, (task) => task.difficulty),
    histogram: agreementHistogram(measured, config.curation.verify.samples),
  });
}

/**
 * Stages 2b–2d: structural rules, contamination guard, deduplication, cross-verification, labels, selection. `state.done` counts batches of
 * verification: what comes before is cheap and done again after an interruption.
 *
 * @param heldOutSlice curate the slice that is set aside for measuring: no upper end of the p̂ window, no labels
 */
export async function curationStage(
  context: RunContext,
  { heldOutSlice = false } = {},
): Promise<StageOutcome> {
  const { config, state, folder } = context;
  const file = `candidates/${heldOutSlice ? 'held-out-slice' : `iteration-${state.iteration}`}.jsonl`;
  const save = () => folder.writeRows(file, state.candidates);
  const structural = await structuralTasks(context);
  if (structural.tasks.length === 0) {
    await save();
    throw nothingLeft(
      context,
      structural,
      'no valid task after synthesis',
      'The Generator does not write the format yet: train it longer (generator.steps), raise synthesis.candidates or synthesis.sampling.maxNewTokens, or start from a larger model.',
    );
  }
  const { batchSize } = config.curation.verify;
  const batches = Math.ceil(structural.tasks.length / batchSize);
  const outcome = await runSteps(context, batches, async (batch) => {
    const from = batch * batchSize;
    context.progress('verify', from, structural.tasks.length);
    await verifyBatch(context, structural.tasks.slice(from, from + batchSize), batch);
  });
  if (outcome === 'stopped') return outcome;
  const { tau, tauHigh } = config.curation;
  const verified = keepByAgreement(
    structural.tasks.map((task) => ({
      task,
      agreement: candidateOf(context, task).agreement ?? 0,
      reason: candidateOf(context, task).failure,
    })),
    { tau, tauHigh: heldOutSlice ? 1 : tauHigh },
  );
  for (const { id, reason } of verified.dropped) drop(candidateOf(context, { id }), reason);
  const labels = heldOutSlice ? verified.kept : await labelled(context, verified.kept);
  for (const task of labels)
    Object.assign(candidateOf(context, task), { verdict: 'kept', difficulty: task.difficulty });
  const chosen = heldOutSlice
    ? randomAt(context, 'held-out slice').shuffle(labels).slice(0, config.evaluation.tasks)
    : await selected(context, labels);
  const byId = new Map(state.candidates.map((candidate) => [String(candidate.index), candidate]));
  for (const task of chosen) {
    const candidate = byId.get(task.id);
    if (candidate) candidate.verdict = 'selected';
  }
  state.tasks = chosen.map(plain);
  await save();
  report(context, structural, verified.kept);
  if (state.tasks.length === 0) {
    throw nothingLeft(
      context,
      structural,
      'no task left after verification',
      `No task’s p̂ lies within [${tau}, ${tauHigh}]: widen curation.tau or curation.tauHigh, or raise synthesis.candidates.`,
    );
  }
  return 'done';
}
