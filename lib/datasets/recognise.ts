import type { Row } from '../eval/record-reader';
import type { TrainingLayout } from './layouts';

/** The fields by which a layout is told from the others, for error messages. */
export const TELLING_FIELDS: Readonly<Record<TrainingLayout, string>> = {
  neutral: '{id, question, tools, gold}',
  toolrl: '{instruction with "you can use the following tools", input, output} or {prompt, reward_model}',
  xlam: '{query, tools, answers}',
  toolace: '{system, conversations: [{from, value}]}',
  hammer: '{instruction with [BEGIN OF AVAILABLE TOOLS], output} or {query, tools, answers}',
};

const has = (row: Row, ...fields: readonly string[]) => fields.every((field) => field in row);
const says = (row: Row, field: string, words: string) => {
  const text = row[field];
  return typeof text === 'string' && text.includes(words);
};

const FITS: Readonly<Record<TrainingLayout, (row: Row) => boolean>> = {
  neutral: (row) => has(row, 'question', 'tools', 'gold'),
  toolrl: (row) =>
    has(row, 'prompt', 'reward_model') ||
    (has(row, 'instruction', 'output') && says(row, 'instruction', 'you can use the following tools')),
  xlam: (row) => has(row, 'query', 'tools', 'answers'),
  toolace: (row) => has(row, 'system', 'conversations'),
  hammer: (row) =>
    (has(row, 'instruction', 'output') && says(row, 'instruction', '[BEGIN OF AVAILABLE TOOLS]')) ||
    has(row, 'query', 'tools', 'answers'),
};

/** The layouts whose telling fields a row has, the likeliest first; rows of `{query, tools, answers}` are xLAM's and some of Hammer's. */
export const layoutsOf = (row: Row): TrainingLayout[] =>
  (Object.keys(FITS) as TrainingLayout[]).filter((layout) => FITS[layout](row));
