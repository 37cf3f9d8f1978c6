import { toToolCall, type ParsedCall } from '../roles/calls';
import { lastBlock } from '../roles/generator-blocks';
import { readCalls } from '../roles/generator-parser';
import { extractSolverFields, parseSolverToolCalls } from '../roles/solver';
import { PyDict } from '../text';
import { callsEqual, canonicalJson } from './matcher';
import { resolvePublished, type PublishedSwitches } from './published';

/** The calls of one Solver sample; null if it holds none that can be read. */
export type SolverSample = ParsedCall[] | null;

export interface ProbeOptions {
  published?: Partial<PublishedSwitches>;
  /** A sample without a non-empty `<think>` solves nothing, as in the Solver's own reward. Default true. */
  requireThink?: boolean;
}

/**
 * Reads one Solver sample: as the Solver's reward does, or under `strictJsonProbe` strict JSON between case-sensitive
 * tags, think block or not.
 */
export function readSolverSample(completion: string, options: ProbeOptions = {}): SolverSample {
  const { strictJsonProbe, firstCallOnly } = resolvePublished(options.published);
  if (strictJsonProbe) {
    const block = lastBlock(completion, 'tool_call_answer');
    return block === null ? null : readCalls(block, firstCallOnly);
  }
  const fields = extractSolverFields(completion, { requireThink: options.requireThink ?? true });
  return fields === null ? null : parseSolverToolCalls(fields.answer, options.published);
}

/**
 * p̂: the share of samples that give the gold calls, all of them in any order. Under `firstCallOnly` the first call is
 * compared alone; under `strictJsonProbe` by canonical JSON, in order, where "5", 5 and 5.0 all differ.
 * @returns 0 without samples
 */
export function passRate(
  samples: readonly SolverSample[],
  gold: readonly ParsedCall[],
  options: ProbeOptions = {},
): number {
  if (samples.length === 0) return 0;
  const { strictJsonProbe, firstCallOnly } = resolvePublished(options.published);
  const expected = firstCallOnly ? gold.slice(0, 1) : gold;
  const spelt = strictJsonProbe ? spelling(expected) : null;
  const solved = samples.filter((sample) => {
    const calls = firstCallOnly ? (sample?.slice(0, 1) ?? null) : sample;
    if (strictJsonProbe) return calls !== null && spelling(calls) === spelt;
    return callsEqual(calls, expected);
  });
  return solved.length / samples.length;
}

/**
 * How far the samples agree with each other: the number of samples that give the commonest answer / the number of
 * samples. Unreadable samples agree with nothing. 0 without samples.
 */
export function consistency(samples: readonly SolverSample[], options: ProbeOptions = {}): number {
  const { strictJsonProbe, firstCallOnly } = resolvePublished(options.published);
  const counts = new Map<string, number>();
  for (const sample of samples) {
    if (sample === null) continue;
    const calls = firstCallOnly ? sample.slice(0, 1) : sample;
    const answer = strictJsonProbe
      ? spelling(calls)
      : calls
          .map((call) => spelling([call]))
          .sort()
          .join();
    counts.set(answer, (counts.get(answer) ?? 0) + 1);
  }
  return samples.length === 0 ? 0 : Math.max(0, ...counts.values()) / samples.length;
}

/** The calls as one canonical text; what JSON cannot hold goes by its plain form. */
function spelling(calls: readonly ParsedCall[]): string {
  const list = calls.map(({ name, arguments: values }) =>
    PyDict.of([
      ['name', name],
      ['arguments', values],
    ]),
  );
  return canonicalJson(list) ?? JSON.stringify(calls.map(toToolCall));
}
