import { callsEqual, type AnyCall } from '../rewards/matcher';
import { resolvePublished, type PublishedSwitches } from '../rewards/published';
import { foldForAscii } from '../rewards/phrases';
import { readRelaxed, toParsedCall } from '../roles/calls';
import { extractSolverFields, lastAnswerBlock, parseSolverToolCalls } from '../roles/solver';
import { firstBlockAnyCase, stripFences } from '../roles/generator-blocks';
import type { JsonValue } from '../tasks/task';
import { PyDict, isDict, jsonDumps, readJson, strip, toJson, type PyValue } from '../text';

/** Why a Solver sample is not the gold calls. */
export type SampleFailure =
  'missing_tag' | 'missing_think' | 'json_parse_fail' | 'bad_call_schema' | 'mismatch';

export interface Agreement {
  /** p̂: samples that give the gold calls / k. */
  agreement: number;
  /** The most frequent failure, the earliest of equals; 'ok' if there is none. */
  reason: SampleFailure | 'ok';
  /** What the first readable sample says, calls or not. */
  firstPrediction: JsonValue;
  failures: Partial<Record<SampleFailure, number>>;
}

export interface AgreementOptions {
  published?: Partial<PublishedSwitches>;
  /** Samples asked for; those that never came count as failed. Default: as many as there are. */
  samples?: number;
  /** As in the Solver's reward. Default true. */
  requireThink?: boolean;
}

/**
 * How often the Solver's samples give a task's gold calls. Compared are full calls by the Solver's own parser and
 * matcher; under `namesOnlyVerification` only the names of the tools, in order, and under `strictJsonProbe` the
 * canonical JSON of the calls, in order, both read from the first block in any case.
 */
export function measureAgreement(
  completions: readonly string[],
  gold: readonly AnyCall[],
  options: AgreementOptions = {},
): Agreement {
  const { namesOnlyVerification, strictJsonProbe } = resolvePublished(options.published);
  const spell = namesOnlyVerification ? spellNames : strictJsonProbe ? spellCalls : null;
  const judge = spell ? judgeBySpelling(spell, gold) : judgeByMatcher(gold, options);
  const failures = new Map<SampleFailure, number>();
  let firstPrediction: PyValue = null;
  let solved = 0;
  for (const completion of completions) {
    const { failure, prediction } = judge(completion);
    firstPrediction ??= prediction;
    if (failure === null) solved++;
    else failures.set(failure, (failures.get(failure) ?? 0) + 1);
  }
  const total = options.samples ?? completions.length;
  const commonest = [...failures].sort(([, a], [, b]) => b - a)[0];
  return {
    agreement: total > 0 ? solved / total : 0,
    reason: solved < total && commonest ? commonest[0] : 'ok',
    firstPrediction: toJson(firstPrediction),
    failures: Object.fromEntries(failures),
  };
}

interface Judged {
  failure: SampleFailure | null;
  prediction: PyValue;
}

function judgeByMatcher(gold: readonly AnyCall[], options: AgreementOptions): (completion: string) => Judged {
  const failed = (failure: SampleFailure): Judged => ({ failure, prediction: null });
  return (completion) => {
    const fields = extractSolverFields(completion, { requireThink: options.requireThink ?? true });
    if (fields === null) return failed(lastAnswerBlock(completion) ? 'missing_think' : 'missing_tag');
    const calls = parseSolverToolCalls(fields.answer, options.published);
    if (calls === null) {
      const value = readRelaxed(fields.answer, resolvePublished(options.published));
      return failed(value === null ? 'json_parse_fail' : 'bad_call_schema');
    }
    return { failure: callsEqual(calls, gold) ? null : 'mismatch', prediction: calls.map(callValue) };
  };
}

function judgeBySpelling(
  spell: (value: PyValue) => string | null,
  gold: readonly AnyCall[],
): (completion: string) => Judged {
  const expected = spell(gold.map(callValue)) ?? '';
  return (completion) => {
    const block = answerBlock(completion);
    if (block === null) return { failure: 'missing_tag', prediction: null };
    const read = readJson(cleanJson(block));
    if (!read.ok || read.value === null) return { failure: 'json_parse_fail', prediction: null };
    const spelling = spell(read.value);
    const failure = spelling === null ? 'bad_call_schema' : spelling === expected ? null : 'mismatch';
    return { failure, prediction: read.value };
  };
}

function callValue({ name, arguments: values }: AnyCall): PyDict {
  return PyDict.of([
    ['name', name],
    ['arguments', values instanceof PyDict ? values : toParsedCall({ name, arguments: values }).arguments],
  ]);
}

/** The first answer block in any case; one that is never closed counts if a list may have begun in it. */
export function answerBlock(completion: string): string | null {
  const closed = firstBlockAnyCase(completion, 'tool_call_answer');
  if (closed !== null) return closed;
  const opening = '<tool_call_answer>';
  const start = foldForAscii(completion).indexOf(opening);
  if (start < 0) return null;
  const rest = strip(completion.slice(start + opening.length));
  return rest.includes('[') ? rest : null;
}

/** Without code fences, and from the first opening bracket to the last closing one if they stand in that order. */
export function cleanJson(text: string): string {
  const body = stripFences(text);
  const start = body.indexOf('[');
  const end = body.lastIndexOf(']');
  return start >= 0 && end > start ? body.slice(start, end + 1) : body;
}

/** A list of calls as JSON with sorted keys; null if an item is no call. */
export function spellCalls(value: PyValue): string | null {
  if (!Array.isArray(value)) return null;
  const calls: PyDict[] = [];
  for (const item of value) {
    const name = isDict(item) ? item.get('name') : undefined;
    const values = isDict(item) ? item.get('arguments') : undefined;
    if (typeof name !== 'string' || !isDict(values)) return null;
    calls.push(callValue({ name, arguments: values }));
  }
  return jsonDumps(calls, { sortKeys: true, ensureAscii: false });
}

/** The names of a list of calls as JSON; null if an item has none. */
export function spellNames(value: PyValue): string | null {
  if (!Array.isArray(value)) return null;
  const names = value.map((item) => (isDict(item) ? item.get('name') : undefined));
  if (!names.every((name) => typeof name === 'string')) return null;
  return jsonDumps(names, { ensureAscii: false });
}
