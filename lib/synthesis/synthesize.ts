import type { ControlSpec } from '../tasks/task';

/** One completion of the Generator. */
export interface Draft {
  completion: string;
  /** Generated tokens. */
  tokens: number;
  truncated: boolean;
}

/** One text the Generator wrote for a control spec, before anything is known about it. */
export interface RawCandidate extends Draft {
  index: number;
  spec: ControlSpec;
}

/** Writes one draft per spec; the driver puts a frozen Generator behind it. */
export type Writer = (specs: readonly ControlSpec[], batch: number) => Promise<Draft[]>;

/**
 * Candidates number `from` … of the specs, up to `batchSize` of them. Synthesis goes batch by batch so that it can be stopped and resumed: a
 * batch depends on its position only.
 */
export async function synthesizeBatch(
  specs: readonly ControlSpec[],
  batch: number,
  batchSize: number,
  write: Writer,
): Promise<RawCandidate[]> {
  const from = batch * batchSize;
  const asked = specs.slice(from, from + batchSize);
  const drafts = await write(asked, batch);
  return drafts.map((draft, index) => ({ index: from + index, spec: asked[index]!, ...draft }));
}
