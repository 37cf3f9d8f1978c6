import { compactPrompts } from '../roles/compact-prompts';
import type { Random } from '../tasks/random';
import type { Tool, ToolCall } from '../tasks/task';
import { isHeldOutPair } from './held-out-rule';
import { drawValue, makeTool, toolName, type GrammarTask, type Value } from './grammar';
import * as lexicon from './lexicon';

/**
 * Training documents. The model is to own good behaviours that it uses only some of the time, as a real base model
 * does; each behaviour is announced by the first words of its thought, so that reinforcement learning has a choice
 * to make instead of noise to undo.
 */
export interface BehaviourMix {
  /** Chance that the Solver reads the request (“Check” or “Study”) instead of guessing; per domain, or one for all. */
  careful: Readonly<Record<string, number>> | number;
  /** Chance that a careful Solver studies: it sees what a checking one overlooks (corrected values, second requests). */
  study: number;
  /** Chance that a guess is right all the same. */
  luckyGuess: number;
  /** Chance that the Generator sketches instead of planning, and that a sketch has a defect. */
  sketch: number;
  sketchDefect: number;
}

/** What the model learns first: the good behaviours only, and a little of how sketches look. */
export const CLEAN_MIX: BehaviourMix = {
  careful: 1,
  study: 0.8,
  luckyGuess: 0,
  sketch: 0.1,
  sketchDefect: 0.9,
};

/** A document in two parts; the model is trained on the completion much more than on the prompt. */
export interface TrainingDocument {
  role: 'solver' | 'generator';
  prompt: string;
  completion: string;
}

const END = '<|im_end|>';

function chat(content: string): string {
  return `<|im_start|>user\n${content}${END}\n<|im_start|>assistant\n`;
}

function promptText(messages: { content: string }[]): string {
  return chat((messages[0] as { content: string }).content);
}

function answerBlock(calls: ToolCall[]): string {
  return `<tool_call_answer>${JSON.stringify(calls)}</tool_call_answer>${END}`;
}

function words(name: string): string {
  return name.replace('_', ' ');
}

export function solverDocument(random: Random, task: GrammarTask, mix: BehaviourMix): TrainingDocument {
  const prompt = promptText(compactPrompts.solver(task.question, random.shuffle(task.tools)));
  const careful = typeof mix.careful === 'number' ? mix.careful : (mix.careful[task.spec.domain] ?? 0.5);
  const completion =
    random.next() < careful ? carefulAnswer(random, task, mix) : guessedAnswer(random, task, mix.luckyGuess);
  return { role: 'solver', prompt, completion };
}

/**
 * “Study start movie, genre not Pop but Jazz.” or “Check start movie.” Checking takes the first value named and answers
 * the first request only, always: what is wrong with it follows from its first word.
 */
function carefulAnswer(random: Random, task: GrammarTask, mix: BehaviourMix): string {
  const calls = copyCalls(task.gold);
  const { trap } = task;
  const first = calls[0] as ToolCall;
  const name = words(first.name);
  if (random.next() >= mix.study) {
    if (trap) first.arguments[trap.parameter] = trap.wrong;
    return `<think>Check ${name}.</think>${answerBlock([first])}`;
  }
  const right = trap
    ? `, ${trap.parameter} not ${trap.wrong} but ${first.arguments[trap.parameter] as Value}`
    : '';
  const others = calls.slice(1).map((call) => ` and ${words(call.name)}`);
  return `<think>Study ${name}${right}${others.join('')}.</think>${answerBlock(calls)}`;
}

/** “Guess send playlist.” Mostly a wrong tool of the menu, sometimes the right one with a wrong value. */
function guessedAnswer(random: Random, task: GrammarTask, lucky: number): string {
  const gold = copyCalls(task.gold);
  let call = gold[0] as ToolCall;
  let calls = [call];
  const others = task.tools.filter((tool) => gold.every((g) => g.name !== tool.name));
  if (random.next() < lucky) calls = gold;
  else if (others.length > 0 && random.next() < 0.8) {
    const tool = random.pick(others);
    call = { name: tool.name, arguments: {} };
    for (const name of tool.required ?? []) call.arguments[name] = borrowValue(random, name, task);
    calls = [call];
  } else {
    const name = random.pick(Object.keys(call.arguments));
    const right = call.arguments[name] as Value;
    call.arguments[name] =
      task.trap?.parameter === name ? task.trap.wrong : drawValue(random, name, false, [right]);
  }
  return `<think>Guess ${words(call.name)}.</think>${answerBlock(calls)}`;
}

/** A value of the question for another tool's parameter, where one of the same type exists. */
function borrowValue(random: Random, parameter: string, task: GrammarTask): Value {
  const said = new Map(task.requests.flatMap((request) => [...request.values]));
  const same = said.get(parameter);
  if (same !== undefined) return same;
  const integer = lexicon.INTEGER_PARAMETERS.has(parameter);
  const fitting = [...said.values()].filter((value) => (typeof value === 'number') === integer);
  return fitting[0] ?? drawValue(random, parameter, false);
}

export function generatorDocument(random: Random, task: GrammarTask, mix: BehaviourMix): TrainingDocument {
  const prompt = promptText(compactPrompts.generator(task.spec));
  const sketch = random.next() < mix.sketch;
  const draft = { tools: [...task.tools], calls: copyCalls(task.gold) };
  if (sketch && random.next() < mix.sketchDefect) spoil(random, task, draft);
  const thought = sketch ? `Sketch ${words((task.gold[0] as ToolCall).name)}.` : planOf(task);
  const completion =
    `<think>${thought}</think><question>${task.question}</question>` +
    `<available_tools>${JSON.stringify(draft.tools)}</available_tools>${answerBlock(draft.calls)}`;
  return { role: 'generator', prompt, completion };
}

/** “Plan start movie city Wenbra, genre Jazz. Trap genre Pop.” */
function planOf(task: GrammarTask): string {
  const parts = task.requests.map(
    ({ verb, object, values }) =>
      `${verb} ${object} ${[...values].map(([name, value]) => `${name} ${value}`).join(', ')}`,
  );
  const label = task.trap?.kind === 'correction' ? 'First' : 'Trap';
  const trap = task.trap ? ` ${label} ${task.trap.parameter} ${task.trap.wrong}.` : '';
  return `Plan ${parts.join(' and ')}.${trap}`;
}

/** The four things that go wrong in a sketch; each makes the task invalid. */
function spoil(random: Random, task: GrammarTask, draft: { tools: Tool[]; calls: ToolCall[] }): void {
  const call = draft.calls[0] as ToolCall;
  const name = random.pick(Object.keys(call.arguments));
  const right = call.arguments[name] as Value;
  const defect = random.int(0, 3);
  if (defect === 0) draft.tools[0] = otherTool(random, task);
  else if (defect === 1) draft.tools = changeMenuSize(random, task);
  else if (defect === 2 && Object.keys(call.arguments).length > 1) delete call.arguments[name];
  else
    call.arguments[name] = drawValue(random, name, false, [right, ...(task.trap ? [task.trap.wrong] : [])]);
}

function changeMenuSize(random: Random, task: GrammarTask): Tool[] {
  return task.tools.length > 2 ? task.tools.slice(0, -1) : [...task.tools, otherTool(random, task)];
}

function otherTool(random: Random, task: GrammarTask): Tool {
  for (;;) {
    const verb = random.pick(lexicon.VERB_NAMES);
    const object = random.pick(lexicon.objectsOf(task.spec.domain));
    const inMenu = task.tools.some((tool) => tool.name === toolName(verb, object));
    if (!inMenu && !isHeldOutPair(verb, object)) return makeTool(task.spec.domain, verb, object);
  }
}

function copyCalls(calls: ToolCall[]): ToolCall[] {
  return calls.map((call) => ({ name: call.name, arguments: { ...call.arguments } }));
}
