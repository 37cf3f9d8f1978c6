/** An answer taken apart: what is thought, what stands in blocks of calls, and what else is said. */
import { strip } from '../text';

export interface CallBlock {
  /** In small letters; `function` for `<function=f>`. */
  tag: string;
  /** Of `<function=f>`: f. */
  name?: string;
  content: string;
  /** Whether the closing tag is there. */
  closed: boolean;
}

export interface AnswerParts {
  /** Outside of thoughts, in their order; a block whose closing tag is missing goes on to the end. */
  blocks: CallBlock[];
  /** What stands outside of thoughts and blocks. */
  said: string;
}

/** Attributes do not hold `<`: so a text of many tags that nothing ends costs its length only. */
const TAG =
  /<(\/?)(?:(think|thinking)|(tool_call_answer|tool_calls?|function_calls?|functioncall|function(?:=([\w.-]+))?))(?:\s[^<>]*)?>/gi;

const END_MARKS = [
  '<|im_end|>',
  '<|eot_id|>',
  '<|eom_id|>',
  '<|end|>',
  '<|endoftext|>',
  '<|end_of_text|>',
  '</s>',
];

/** A text without the marks of the end that some models print, and without blanks around it. */
export function withoutEndMarks(text: string): string {
  let end = text.length;
  for (let shorter = true; shorter;) {
    while (end > 0 && /\s/.test(text[end - 1]!)) end--;
    const mark = END_MARKS.find((candidate) => text.endsWith(candidate, end));
    shorter = mark !== undefined;
    end -= mark?.length ?? 0;
  }
  return strip(text.slice(0, end));
}

/**
 * Reads an answer from left to right, once. `<think>` goes on to its closing tag, or to the end of the answer; a block goes on to its own
 * closing tag, whatever stands in it. A closing tag alone ends a thought that began in the prompt: nothing before it counts.
 */
export function partsOf(text: string): AnswerParts {
  return new AnswerScan(text).parts();
}

/** An open block. */
interface OpenBlock {
  tag: string;
  name?: string;
  start: number;
  /** Behind a `</think>` in the block: then it may be a block that a thought speaks of. */
  thoughtEnd?: number;
}

class AnswerScan {
  private blocks: CallBlock[] = [];
  private said: string[] = [];
  /** Where what is said goes on. */
  private from = 0;
  private open: OpenBlock | null = null;
  private isThinking = false;
  private hasThought = false;
  /** Where the text ends but for blanks. */
  private readonly end: number;

  constructor(private readonly text: string) {
    this.end = text.trimEnd().length;
  }

  parts(): AnswerParts {
    for (const match of this.text.matchAll(TAG)) {
      const [whole, slash, thought, block, name] = match;
      const [start, end] = [match.index, match.index + whole.length];
      if (thought !== undefined) this.thoughtTag(slash === '', start, end);
      else if (!this.isThinking) this.blockTag(slash === '', block!.toLowerCase(), name, start, end);
    }
    return this.finished();
  }

  private thoughtTag(opens: boolean, start: number, end: number): void {
    if (this.isThinking) {
      if (opens) return;
      this.isThinking = false;
      this.hasThought = true;
      this.from = end;
    } else if (this.open !== null) {
      if (!opens) this.open.thoughtEnd = end;
    } else if (opens) {
      this.said.push(this.text.slice(this.from, start));
      this.isThinking = true;
    } else if (!this.isLeftover(end)) this.forget(end);
  }

  /** A closing tag too many at the end of an answer that has thought and called. */
  private isLeftover(end: number): boolean {
    return this.hasThought && this.blocks.length > 0 && end >= this.end;
  }

  private blockTag(opens: boolean, tag: string, name: string | undefined, start: number, end: number): void {
    const { open } = this;
    if (open !== null) {
      if (!opens && tag === open.tag) this.close(open, start, end);
      if (!opens || open.thoughtEnd === undefined) return;
      // The block before the end of the thought was only spoken of.
      this.forget(open.thoughtEnd);
    }
    // `<function>` is no form of any system.
    if (!opens || tag === 'function') return;
    this.said.push(this.text.slice(this.from, start));
    this.open = {
      tag: name === undefined ? tag : 'function',
      ...(name === undefined ? {} : { name }),
      start: end,
    };
  }

  private close({ tag, name, start: begun }: OpenBlock, start: number, end: number): void {
    const content = this.text.slice(begun, start);
    this.blocks.push({ tag, ...(name === undefined ? {} : { name }), content, closed: true });
    this.open = null;
    this.from = end;
  }

  /** What stood before was a thought. */
  private forget(end: number): void {
    this.blocks = [];
    this.said = [];
    this.open = null;
    this.from = end;
  }

  private finished(): AnswerParts {
    const { open } = this;
    if (open?.thoughtEnd !== undefined) {
      // Nothing but thoughts can follow: other tags would have ended the block.
      return partsOf(this.text.slice(open.thoughtEnd));
    }
    // A block that is only opened behind a whole one says nothing.
    const isBlank = open !== null && this.blocks.length > 0 && open.start >= this.end;
    if (open !== null && !isBlank) {
      const { tag, name, start } = open;
      const content = this.text.slice(start);
      this.blocks.push({ tag, ...(name === undefined ? {} : { name }), content, closed: false });
    } else if (!this.isThinking) this.said.push(this.text.slice(this.from));
    return { blocks: this.blocks, said: this.said.join('') };
  }
}
