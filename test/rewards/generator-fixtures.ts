import type { ControlSpec, JsonValue } from '../../lib/tasks/task';

export const WEATHER = {
  name: 'get_weather',
  description: 'Weather of a city on a day.',
  parameters: {
    city: { type: 'string', description: 'City.' },
    days: { type: 'integer', description: 'Days.' },
  },
  required: ['city'],
};
export const FLIGHT = {
  name: 'book_flight',
  description: 'Books a flight.',
  parameters: {
    origin: { type: 'string', description: 'From.' },
    seats: { type: 'integer', description: 'Seats.' },
  },
  required: ['origin', 'seats'],
};
export const SPEC: ControlSpec = {
  domain: 'travel',
  contextType: 'single_turn',
  toolMenuSize: 2,
  numCalls: 1,
};
export const QUESTION = 'Could you look up the weather in Oslo for the next three days, please?';
export const GOLD = [{ name: 'get_weather', arguments: { city: 'Oslo', days: 3 } }];

export interface CompletionParts {
  think?: string;
  question?: string;
  tools?: JsonValue;
  gold?: JsonValue;
}

/** A Generator's completion; by default a faultless one. */
export function completion({
  think = 'Weather fits.',
  question = QUESTION,
  tools = [WEATHER, FLIGHT],
  gold = GOLD,
}: CompletionParts = {}): string {
  return (
    `<think>${think}</think>\n<question>${question}</question>\n` +
    `<available_tools>${JSON.stringify(tools)}</available_tools>\n` +
    `<tool_call_answer>${JSON.stringify(gold)}</tool_call_answer>`
  );
}

/** A Solver's completion. */
export function answer(calls: JsonValue, think = 'Simple.'): string {
  return `<think>${think}</think><tool_call_answer>${JSON.stringify(calls)}</tool_call_answer>`;
}
