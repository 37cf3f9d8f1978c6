import type { Random } from '../tasks/random';
import type { ControlSpec, Tool, ToolCall } from '../tasks/task';
import { heldOutPhrasing, isHeldOutPair, isHeldOutValue } from './held-out-rule';
import * as lexicon from './lexicon';

export type Value = string | number;

/** One thing asked for: the gold tool with its arguments. */
export interface Request {
  verb: string;
  object: string;
  values: ReadonlyMap<string, Value>;
}

/** A wrong value that the question also names: a remark beside the request, or what a later turn corrects. */
export interface Trap {
  kind: 'distractor' | 'correction';
  parameter: string;
  wrong: Value;
}

/** A task whose gold calls are right by construction. `tools` starts with the gold tools; shuffle before showing. */
export interface GrammarTask {
  spec: ControlSpec;
  question: string;
  tools: Tool[];
  gold: ToolCall[];
  requests: Request[];
  trap: Trap | null;
  lookAlike: boolean;
}

export interface TaskOptions {
  /** Held-out combinations only, instead of none of them. */
  heldOut: boolean;
  distractorShare: number;
  /** Share of menus whose other tools share a verb or an object with the gold tool. */
  lookAlikeShare: number;
}

export function toolName(verb: string, object: string): string {
  return `${verb}_${object}`;
}

/** Names of the parameters of a tool: a fixed function of its name. */
export function toolParameters(domain: string, verb: string, object: string): readonly string[] {
  const parameters = lexicon.DOMAINS[domain]?.[object];
  if (!parameters) throw new RangeError(`no object "${object}" in domain "${domain}"`);
  return lexicon.ONE_PARAMETER_VERBS.has(verb) ? parameters.slice(0, 1) : parameters;
}

export function makeTool(domain: string, verb: string, object: string): Tool {
  const names = toolParameters(domain, verb, object);
  const typeOf = (name: string): string => (lexicon.INTEGER_PARAMETERS.has(name) ? 'integer' : 'string');
  return {
    name: toolName(verb, object),
    parameters: Object.fromEntries(names.map((name) => [name, { type: typeOf(name) }])),
    required: [...names],
  };
}

/** A value for `parameter` that is not among `taken`. */
export function drawValue(
  random: Random,
  parameter: string,
  heldOut: boolean,
  taken: readonly Value[] = [],
): Value {
  for (;;) {
    const value = drawAnyValue(random, parameter);
    const named = typeof value === 'string' && !(parameter in lexicon.ENUM_VALUES);
    if (taken.includes(value) || (named && isHeldOutValue(parameter, value) !== heldOut)) continue;
    return value;
  }
}

function drawAnyValue(random: Random, parameter: string): Value {
  if (lexicon.INTEGER_PARAMETERS.has(parameter))
    return random.next() < 0.3 ? random.int(2, 9) : random.int(10, 99);
  return random.pick(lexicon.ENUM_VALUES[parameter] ?? lexicon.NAMES);
}

function drawPair(random: Random, domain: string, heldOut: boolean): [string, string] {
  for (;;) {
    const verb = random.pick(lexicon.VERB_NAMES);
    const object = random.pick(lexicon.objectsOf(domain));
    if (isHeldOutPair(verb, object) === heldOut) return [verb, object];
  }
}

function drawRequest(random: Random, domain: string, heldOut: boolean, taken: Value[]): Request {
  const [verb, object] = drawPair(random, domain, heldOut);
  const values = new Map<string, Value>();
  for (const name of toolParameters(domain, verb, object)) {
    const value = drawValue(random, name, heldOut, taken);
    values.set(name, value);
    taken.push(value);
  }
  return { verb, object, values };
}

/** Fills the menu up to `size` with other tools of the domain; gold tools stay in front. */
function drawMenu(
  random: Random,
  spec: ControlSpec,
  requests: Request[],
  options: TaskOptions,
  lookAlike: boolean,
): Tool[] {
  const chosen = requests.map(({ verb, object }) => [verb, object] as [string, string]);
  while (chosen.length < spec.toolMenuSize) {
    let [verb, object] = [random.pick(lexicon.VERB_NAMES), random.pick(lexicon.objectsOf(spec.domain))];
    const model = random.pick(requests);
    if (lookAlike && random.next() < 0.4) verb = model.verb;
    else if (lookAlike) object = model.object;
    if (chosen.some(([v, o]) => v === verb && o === object)) continue;
    if (!options.heldOut && isHeldOutPair(verb, object)) continue;
    chosen.push([verb, object]);
  }
  return chosen.map(([verb, object]) => makeTool(spec.domain, verb, object));
}

function phrase(random: Random, domain: string, parameter: string, value: Value, heldOut: boolean): string {
  const variants = lexicon.PHRASES[parameter] as readonly [string, string];
  const reserved = heldOutPhrasing(domain, parameter);
  const index = reserved === null ? random.int(0, 1) : heldOut ? reserved : 1 - reserved;
  return (variants[index] as string).replace('{}', String(value));
}

/** “book the flight in Wenbra on Monday”; `said` replaces values where a later turn corrects them. */
function sayRequest(
  random: Random,
  domain: string,
  request: Request,
  heldOut: boolean,
  said: ReadonlyMap<string, Value> = request.values,
): string {
  const verb = random.pick(lexicon.VERBS[request.verb] as readonly string[]);
  const phrases = [...said].map(([name, value]) => phrase(random, domain, name, value, heldOut));
  return `${verb} ${random.pick(lexicon.ARTICLES)} ${request.object} ${random.shuffle(phrases).join(' ')}`;
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Draws a task that follows `spec`, with its gold calls. */
export function makeTask(random: Random, spec: ControlSpec, options: TaskOptions): GrammarTask {
  const { domain } = spec;
  const taken: Value[] = [];
  const requests = [drawRequest(random, domain, options.heldOut, taken)];
  while (requests.length < spec.numCalls) {
    const next = drawRequest(random, domain, options.heldOut, [...taken]);
    if (requests.every((r) => r.verb !== next.verb || r.object !== next.object)) requests.push(next);
  }
  const lookAlike = random.next() < options.lookAlikeShare;
  const tools = drawMenu(random, spec, requests, options, lookAlike);
  const trap = drawTrap(random, spec, requests, options, taken);
  return {
    spec,
    question: sayTask(random, spec, requests, trap, options.heldOut),
    tools,
    gold: requests.map(({ verb, object, values }) => ({
      name: toolName(verb, object),
      arguments: Object.fromEntries(values),
    })),
    requests,
    trap,
    lookAlike,
  };
}

function drawTrap(
  random: Random,
  spec: ControlSpec,
  requests: Request[],
  options: TaskOptions,
  taken: readonly Value[],
): Trap | null {
  const correction = spec.contextType === 'multi_turn';
  if (!correction && (spec.numCalls > 1 || random.next() >= options.distractorShare)) return null;
  const parameter = random.pick([...(requests[0] as Request).values.keys()]);
  const wrong = drawValue(random, parameter, options.heldOut, taken);
  return { kind: correction ? 'correction' : 'distractor', parameter, wrong };
}

function sayTask(
  random: Random,
  spec: ControlSpec,
  requests: Request[],
  trap: Trap | null,
  heldOut: boolean,
): string {
  const first = requests[0] as Request;
  const said = new Map(first.values);
  if (trap?.kind === 'correction') said.set(trap.parameter, trap.wrong);
  const clauses = requests.map((request, i) =>
    sayRequest(random, spec.domain, request, heldOut, i === 0 ? said : undefined),
  );
  const request =
    capitalise(random.pick(lexicon.OPENINGS) + clauses.join(' and ')) + random.pick(lexicon.CLOSINGS);
  if (!trap) return request;
  if (trap.kind === 'distractor') {
    const remark = random
      .pick(lexicon.REMARKS)
      .replace('{p}', trap.parameter)
      .replace('{}', String(trap.wrong));
    return remark + request;
  }
  const right = first.values.get(trap.parameter) as Value;
  return `User: ${request}\nAgent: Sure?\nUser: Actually, make the ${trap.parameter} ${right}.`;
}
