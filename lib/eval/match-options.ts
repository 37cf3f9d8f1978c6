import { ConfigError } from '../binding/errors';
import type { Tool, ToolCall } from '../tasks/task';
import { isTooDeep, MAX_CALL_DEPTH } from './answer-values';
import type { CallAlternatives } from './neutral-record';
import { isObject } from './record-reader';
import { SOURCE_LANGUAGES, type SourceLanguage } from './source-values';

export interface MatchCallsOptions {
  /** Accepted values per gold call; when given they decide, by BFCL's rules. */
  alternatives?: readonly CallAlternatives[] | undefined;
  /** `alternatives` by the name that records have for it. */
  gold_alternatives?: readonly CallAlternatives[] | undefined;
  /**
   * Per gold call: arguments the answer may leave out. With alternatives it says nothing: there "" among the accepted values of an argument
   * says that it may be left out.
   */
  optionalArgs?: readonly (readonly string[])[] | undefined;
  /** `optionalArgs` by the name that records have for it. */
  optional_args?: readonly (readonly string[])[] | undefined;
  /** The menu: BFCL's rules check types and required arguments against it. */
  tools?: readonly Tool[] | undefined;
  /** BFCL's rules only: whether a value must have its declared type. Default true, as BFCL does. */
  checkTypes?: boolean | undefined;
  /** BFCL's rules only: how arguments that are source text are read. Default: as the type names of the function tell. */
  language?: SourceLanguage | undefined;
  /** Whether the calls must come in the order of the gold calls. Default false. */
  ordered?: boolean | undefined;
}

/** Options under one name each. */
export type CheckedOptions = Omit<MatchCallsOptions, 'gold_alternatives' | 'optional_args'>;

const isBoolean = (value: unknown) => typeof value === 'boolean';
const isListOf = (value: unknown, isItem: (item: unknown) => boolean) =>
  Array.isArray(value) && value.every(isItem);
const isNames = (value: unknown) => isListOf(value, (name) => typeof name === 'string');
const isAlternatives = (value: unknown) =>
  isObject(value) &&
  Object.keys(value).length > 0 &&
  Object.values(value).every(
    (accepted) => isObject(accepted) && Object.values(accepted).every(Array.isArray),
  );
const isTool = (value: unknown) =>
  isObject(value) && typeof value['name'] === 'string' && isObject(value['parameters'] ?? {});

const ALTERNATIVES = {
  form: 'a list of {function: {argument: [value, …]}}, one per gold call',
  fits: (value: unknown) => isListOf(value, isAlternatives) && !isTooDeep(value as CallAlternatives[]),
};
const OPTIONAL = {
  form: 'a list of lists of argument names, one per gold call',
  fits: (value: unknown) => isListOf(value, isNames),
};
const SWITCH = { form: 'true or false', fits: isBoolean };

const OPTIONS: Record<keyof MatchCallsOptions, { form: string; fits: (value: unknown) => boolean }> = {
  alternatives: ALTERNATIVES,
  gold_alternatives: ALTERNATIVES,
  optionalArgs: OPTIONAL,
  optional_args: OPTIONAL,
  tools: { form: 'a list of tools {name, parameters}', fits: (value) => isListOf(value, isTool) },
  checkTypes: SWITCH,
  language: {
    form: SOURCE_LANGUAGES.join(' or '),
    fits: (value) => (SOURCE_LANGUAGES as readonly unknown[]).includes(value),
  },
  ordered: SWITCH,
};

/** @throws ConfigError for what is no option, has another form, or is given under both of its names */
export function checkedOptions(options: MatchCallsOptions, calls: number): CheckedOptions {
  const given: unknown = options;
  if (!isObject(given)) throw new ConfigError('matchCalls: options must be an object');
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(OPTIONS, name)) {
      throw new ConfigError(
        `matchCalls: there is no option ${name}; there are ${Object.keys(OPTIONS).join(', ')}`,
        { option: name },
      );
    }
    const { form, fits } = OPTIONS[name as keyof MatchCallsOptions];
    if (value !== undefined && !fits(value))
      throw new ConfigError(`matchCalls: ${name} must be ${form}`, { option: name });
  }
  const { gold_alternatives: accepted, optional_args: optional, ...rest } = options;
  for (const [name, other, one, two] of [
    ['alternatives', 'gold_alternatives', rest.alternatives, accepted],
    ['optionalArgs', 'optional_args', rest.optionalArgs, optional],
  ] as const) {
    if (one && two)
      throw new ConfigError(`matchCalls: give ${name} or ${other}, not both`, { option: other });
  }
  const alternatives = rest.alternatives ?? accepted;
  if (alternatives && alternatives.length < calls) {
    throw new ConfigError(
      `matchCalls: alternatives must name the accepted values of each of the ${calls} gold calls, {function: {argument: [value, …]}}`,
      { alternatives: alternatives.length, gold: calls },
    );
  }
  return { ...rest, alternatives, optionalArgs: rest.optionalArgs ?? optional };
}

/**
 * Calls with their arguments: callers in plain JavaScript may leave out those of a call that has none.
 * @throws ConfigError for what is no list of calls
 */
export function checkedCalls(calls: readonly ToolCall[], what: string): ToolCall[] {
  if (!Array.isArray(calls))
    throw new ConfigError(`matchCalls: ${what} must be a list of calls {name, arguments}`);
  return calls.map((call: unknown, index) => {
    const given: unknown = isObject(call) ? (call['arguments'] ?? {}) : undefined;
    if (!isObject(call) || typeof call['name'] !== 'string' || !isObject(given)) {
      throw new ConfigError(
        `matchCalls: ${what}[${index}] must be a call {name, arguments}, its name a text, its arguments an object`,
        { index },
      );
    }
    return { name: call['name'], arguments: given };
  });
}

/** @throws ConfigError for gold calls that no answer could meet */
export function checkedGold(gold: readonly ToolCall[]): ToolCall[] {
  const calls = checkedCalls(gold, 'gold');
  const deep = calls.findIndex((call) => isTooDeep(call.arguments));
  if (deep >= 0) {
    throw new ConfigError(`matchCalls: gold[${deep}] is nested more than ${MAX_CALL_DEPTH} levels deep`, {
      index: deep,
    });
  }
  return calls;
}
