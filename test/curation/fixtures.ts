import type { Candidate, CandidateTask } from '../../lib/curation/types';
import type { Difficulty } from '../../lib/tasks/task';
import { SPEC, completion, type CompletionParts } from '../rewards/generator-fixtures';

export function candidate(id: string, parts: CompletionParts = {}): Candidate {
  return { id, text: completion(parts), spec: SPEC };
}

export function task(id: string, fields: Partial<CandidateTask> & { domain?: string } = {}): CandidateTask {
  const { domain = 'travel', ...rest } = fields;
  return {
    id,
    question: `Could you do number ${id} for me, please?`,
    tools: [],
    gold: [],
    spec: { ...SPEC, domain },
    fingerprints: { question: id, tools: id, calls: id, combination: id },
    quality: 1,
    ...rest,
  };
}

export const levels = (tasks: readonly CandidateTask[]): (Difficulty | undefined)[] =>
  tasks.map(({ difficulty }) => difficulty);
export const ids = (tasks: readonly { id: string }[]): string[] => tasks.map(({ id }) => id);
