import { strip } from '../text';
import { foldForAscii } from '../rewards/phrases';

/** A completion longer than this (UTF-16 units, some 64k tokens) is no answer; it is refused unread. */
export const MAX_COMPLETION_LENGTH = 1 << 18;

/**
 * The stripped text of the last `<tag>…</tag>` block, or null if there is none. Tags are case-sensitive; blocks are
 * found from the left and do not overlap, so a block ends at the first closing tag after its opening one.
 */
export function lastBlock(text: string, tag: string): string | null {
  const opening = `<${tag}>`;
  const closing = `</${tag}>`;
  let body: string | null = null;
  for (let end = 0; ;) {
    const start = text.indexOf(opening, end);
    if (start < 0) break;
    const close = text.indexOf(closing, start + opening.length);
    if (close < 0) break;
    body = text.slice(start + opening.length, close);
    end = close + closing.length;
  }
  return body === null ? null : strip(body);
}

/** The stripped text of the first `<tag>…</tag>` block, in any case, or null. */
export function firstBlockAnyCase(text: string, tag: string): string | null {
  const folded = foldForAscii(text);
  const start = folded.indexOf(`<${tag}>`);
  if (start < 0) return null;
  const from = start + tag.length + 2;
  const end = folded.indexOf(`</${tag}>`, from);
  return end < 0 ? null : strip(text.slice(from, end));
}

/** Without the code fence around it, which may name JSON. */
export function stripFences(text: string): string {
  let body = strip(text);
  if (body.startsWith('```')) {
    body = body.slice(3);
    if (foldForAscii(body.slice(0, 4)) === 'json') body = body.slice(4);
  }
  if (body.endsWith('```')) body = body.slice(0, -3);
  return strip(body);
}
