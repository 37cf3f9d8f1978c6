import type { NumberLexeme } from '../policy/chat-template';
import { PyDict, PyFloat, pyRepr, readJson, type PyValue } from '../text';

/**
 * JSON text → plain values, except that a float becomes the text Python would print for it, `{lexeme}`: chat templates write tool
 * definitions back out, and there 1.0 must not turn into 1.
 */
export function readWithLexemes(text: string): unknown {
  const result = readJson(text, { maxLength: text.length });
  if (!result.ok) throw new Error(`not JSON: ${result.reason}`);
  return plain(result.value);
}

function plain(value: PyValue): unknown {
  if (value instanceof PyFloat || typeof value === 'bigint')
    return { lexeme: pyRepr(value) } satisfies NumberLexeme;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof PyDict) {
    return Object.fromEntries(value.entries().map(([key, item]) => [key as string, plain(item)]));
  }
  return value;
}
