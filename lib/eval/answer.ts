import type { ToolCall } from '../tasks/task';
import { diagnose, type AnswerError } from './diagnose';
import { matchRecord } from './match-calls';
import { stratumOf, type NeutralRecord } from './neutral-record';
import { readCalls } from './read-calls';

/** One answer to one record, scored. */
export interface ScoredAnswer {
  correct: boolean;
  /** null where no call could be read. */
  calls: ToolCall[] | null;
  /** The answer as it was given, where it came as text. */
  text?: string;
  finishReason?: 'stop' | 'length' | 'aborted';
  /** Line of a file of predictions whose calls cannot be read: wrong, also where no call is wanted. */
  unreadable?: number;
  /** Why it is wrong, the first being what it counts as. */
  errors: AnswerError[];
}

/** All answers to one record. */
export interface TaskResult {
  id: string;
  /** Where the set's headline is a mean over parts: the record's part (stratumOf). */
  stratum?: string;
  answers: ScoredAnswer[];
}

export const scoreCallsOf = (calls: ToolCall[] | null, record: NeutralRecord): ScoredAnswer => ({
  correct: matchRecord(calls, record).correct,
  calls,
  errors: diagnose(calls, record),
});

export const scoreText = (text: string, record: NeutralRecord): ScoredAnswer => ({
  ...scoreCallsOf(readCalls(text, record), record),
  text,
});

export function resultOf(record: NeutralRecord, answers: ScoredAnswer[]): TaskResult {
  const stratum = stratumOf(record);
  return { id: record.id, ...(stratum === undefined ? {} : { stratum }), answers };
}

/** Share of right answers, from 0 to 1. */
export const shareOf = ({ answers }: TaskResult): number =>
  answers.filter(({ correct }) => correct).length / answers.length;
