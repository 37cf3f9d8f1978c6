/** What the Solver's completions say. Its prompt is in solver-prompt.ts. */
import { resolvePublished, type PublishedSwitches } from '../rewards/published';
import { ignoreCase, strip } from '../text';
import { normalizeCalls, readRelaxed, type ParsedCall } from './calls';

export interface SolverFields {
  /** What stands in the last `<think>`, stripped; null if that is missing or empty. */
  think: string | null;
  /** What stands in the last `<tool_call_answer>`, stripped and never empty. */
  answer: string;
}

/** Finds the last of the closed blocks of a tag, whatever the case of its letters. */
class TagPattern {
  private readonly open: RegExp;
  private readonly close: RegExp;

  constructor(tag: string) {
    this.open = new RegExp(`<${ignoreCase(tag)}>`, 'g');
    this.close = new RegExp(`</${ignoreCase(tag)}>`, 'g');
  }

  /** The stripped content of the last block, or null. Blocks do not nest: the first closing tag ends one. */
  last(text: string): string | null {
    let content: string | null = null;
    let position = 0;
    for (;;) {
      this.open.lastIndex = position;
      if (!this.open.test(text)) return content;
      const start = this.open.lastIndex;
      this.close.lastIndex = start;
      const closing = this.close.exec(text);
      if (closing === null) return content;
      content = strip(text.slice(start, closing.index));
      position = this.close.lastIndex;
    }
  }
}

const THINK = new TagPattern('think');
const ANSWER = new TagPattern('tool_call_answer');

/** The content of the last answer block: null if there is none, '' if it is empty. */
export function lastAnswerBlock(completion: string): string | null {
  return ANSWER.last(completion);
}

/**
 * The blocks of a completion.
 * @returns null without a non-empty answer block, or, if `requireThink`, without a non-empty think block
 */
export function extractSolverFields(
  completion: string,
  { requireThink = true }: { requireThink?: boolean } = {},
): SolverFields | null {
  const answer = lastAnswerBlock(completion);
  if (answer === null || answer === '') return null;
  const think = THINK.last(completion) || null;
  return requireThink && think === null ? null : { think, answer };
}

/** The calls of an answer block, read the relaxed way (see `readRelaxed`, `normalizeCall`); null if there is none. */
export function parseSolverToolCalls(
  answer: string,
  published: Partial<PublishedSwitches> = {},
): ParsedCall[] | null {
  const switches = resolvePublished(published);
  const value = readRelaxed(answer, switches);
  return value === null ? null : normalizeCalls(value, switches);
}
