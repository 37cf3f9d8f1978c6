import { deduplicate } from '../curation/deduplicate';
import { fingerprintsOf, qualityOf } from '../curation/fingerprints';
import type { CandidateTask } from '../curation/types';
import { COMPACT_VALIDATION, STRICT_VALIDATION, validateCandidate } from '../curation/validate';
import { parseGeneratorCompletion } from '../roles/generator-parser';
import type { Task } from '../tasks/task';
import type { RunContext } from './context';
import { asSolverMeets } from './solver-menu';
import type { Candidate } from './state';
import { mapYielding } from '../io/yielding';

export interface Structural {
  /** Valid, uncontaminated, unique, as a Solver meets them. A task's id is its candidate's index. */
  tasks: CandidateTask[];
  /** How many were valid, duplicates included. */
  valid: number;
}

export function drop(candidate: Candidate, reason: string): void {
  candidate.verdict = 'dropped';
  candidate.reason = reason;
}

/** The built-in structural rules, or the caller's own. */
function validated(context: RunContext, candidate: Candidate): CandidateTask | string {
  const { config, hooks, published, state } = context;
  const id = String(candidate.index);
  const { spec, completion: text } = candidate;
  const provenance: Task['provenance'] = {
    iteration: state.iteration,
    candidate: candidate.index,
    seed: config.seed,
    generator: `iteration ${state.iteration}`,
  };
  if (!hooks.validate) {
    const rules = config.curation.validation === 'compact' ? COMPACT_VALIDATION : STRICT_VALIDATION;
    return validateCandidate({ id, text, spec, provenance }, { ...rules, published });
  }
  const { fields, tools, gold } = parseGeneratorCompletion(text, published);
  if (fields === null || tools === null || gold === null) return 'unreadable';
  const task = { question: fields.question, tools, gold };
  const reason = hooks.validate(task, spec);
  if (reason !== undefined) return reason;
  const { question } = task;
  const fingerprints = fingerprintsOf(question, tools, gold);
  return {
    id,
    ...task,
    spec,
    provenance,
    fingerprints,
    quality: qualityOf(question, tools.length, gold.length),
  };
}

/** Stage 2b: drops what is no task, what belongs to the held-out tasks, and duplicates. Depends on the candidates alone. */
export async function structuralTasks(context: RunContext): Promise<Structural> {
  const { config, guard, state } = context;
  const valid: CandidateTask[] = [];
  await mapYielding(state.candidates, (candidate) => {
    const verdict = validated(context, candidate);
    if (typeof verdict === 'string') return drop(candidate, verdict);
    const task = asSolverMeets(verdict, config);
    const { question, tools, gold } = task;
    Object.assign(candidate, { verdict: 'pending', question, tools, gold });
    const contaminated = guard.reason(task);
    if (contaminated !== undefined) return drop(candidate, contaminated);
    valid.push(task);
  });
  const { kept, dropped } = deduplicate(valid);
  for (const { id, reason } of dropped) drop(state.candidates[Number(id)]!, reason);
  return { tasks: kept, valid: valid.length };
}
