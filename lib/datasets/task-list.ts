import { FieldProblem, RecordList } from '../eval/benchmarks/reading';
import { hasUnknownTool, type NeutralRecord } from '../eval/neutral-record';
import type { Row } from '../eval/record-reader';

/** Where a row stands. */
export interface RowPlace {
  file: string;
  /** Line of a JSON-lines file, or place in a JSON list, from 1. */
  line: number;
  /** Place among the rows that are JSON objects, from 0. */
  index: number;
}

/** Reads one row of a file; what it finds, and what it cannot use, goes to the list. */
export type RowReader = (row: Row, place: RowPlace, list: TaskList) => void;

/** A reader of rows that hold one record each. */
export const oneRecord =
  (read: (row: Row, place: RowPlace) => NeutralRecord): RowReader =>
  (row, place, list) =>
    list.add(place.file, place.line, () => read(row, place));

/** Reason under which records are counted whose gold calls a tool that they do not offer: no answer can earn their reward. */
export const GOLD_NOT_OFFERED = 'gold_not_offered';

/** Gathers training tasks: with ids that occur once, and only those that can be learnt. */
export class TaskList extends RecordList {
  private readonly lineOfId = new Map<string, number>();

  override add(file: string, line: number, read: () => NeutralRecord): void {
    this.attempt(file, line, () => this.admit(read(), line));
  }

  /** @throws FieldProblem where an earlier record has this id */
  requireNewId(id: string): void {
    const earlier = this.lineOfId.get(id);
    if (earlier !== undefined) throw new FieldProblem('id', `'${id}' stands in line ${earlier} already`);
  }

  private admit(record: NeutralRecord, line: number): void {
    const id = this.uniqueId(record.id);
    this.lineOfId.set(id, line);
    if (hasUnknownTool(record)) this.drop(GOLD_NOT_OFFERED);
    else this.records.push(id === record.id ? record : { ...record, id });
  }

  /** `a`, then `a-2`, `a-3`, …: published files repeat their own numbers when they are put together. */
  private uniqueId(id: string): string {
    if (!this.lineOfId.has(id)) return id;
    let copy = 2;
    while (this.lineOfId.has(`${id}-${copy}`)) copy++;
    return `${id}-${copy}`;
  }
}
