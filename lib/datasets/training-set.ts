import type { NeutralRecord, RecordProblem } from '../eval/neutral-record';
import type { TrainingLayout } from './layouts';

/** Training tasks in memory. */
export interface TrainingSet {
  file: string;
  /** The layout it was read in. */
  layout: TrainingLayout;
  records: NeutralRecord[];
  /** Malformed records, left out. */
  problems: RecordProblem[];
  /** Records left out on purpose, by reason. */
  dropped: Record<string, number>;
  /** What to know about this file: a layout that was never seen, golds that could not be coerced, … */
  notes: string[];
}
