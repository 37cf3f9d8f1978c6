/** Python calls in answers: looser than those in gold data, because models write truth values of other languages and names of variables. */
import type { ToolCall } from '../tasks/task';
import { PyDict, readPythonLiteral, type PyValue } from '../text';
import { splitArguments } from './benchmarks/python-call';
import { plainCall } from './call-shapes';

const CALL = /^([A-Za-z_][\w.-]*)\s*\(([\s\S]*)\)$/;
const KEYWORD = /^([A-Za-z_]\w*)\s*=(?!=)\s*([\s\S]+)$/;
const ASSIGNED = /^[A-Za-z_]\w*\s*=\s*(?=[A-Za-z_][\w.-]*\s*\()/;
const PRINTED = /^print\(([\s\S]*)\)$/;

/**
 * `[f(a=1), g()]`, or calls one below the other or after a semicolon.
 * @returns null for anything else, arguments by place among it
 */
export function readPythonCalls(text: string): ToolCall[] | null {
  const body =
    /^\[([\s\S]*)\]$/.exec(text.trim())?.[1] ?? text.trim().replace(/\)\s*[\n;]\s*(?=[A-Za-z_])/g, '),');
  const pieces = splitArguments(body);
  if (pieces === null || pieces.length === 0) return null;
  const calls = pieces.map(readCall);
  return calls.every((call) => call !== null) ? calls : null;
}

function readCall(text: string): ToolCall | null {
  const bare = text.trim().replace(/;$/, '').replace(ASSIGNED, '');
  const match = CALL.exec(PRINTED.exec(bare)?.[1]?.trim() ?? bare);
  const pieces = match === null ? null : splitArguments(match[2]!);
  if (match === null || pieces === null) return null;
  const entries: [PyValue, PyValue][] = [];
  for (const piece of pieces) {
    const keyword = KEYWORD.exec(piece);
    const value = keyword === null ? undefined : valueOf(keyword[2]!);
    if (value === undefined) return null;
    entries.push([keyword![1]!, value]);
  }
  return plainCall({ name: match[1]!, arguments: PyDict.of(entries) });
}

const LITERALS: Readonly<Record<string, string>> = { true: 'True', false: 'False', null: 'None' };
/** A string, or one of the words. */
const WORD = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\b(?:true|false|null)\b/g;
/** A name, with what stands after its dots and in its brackets: a variable, whose text is its value to BFCL. */
const VARIABLE = /^[A-Za-z_][\w.]*(?:\[[\s\S]*\]|\([\s\S]*\))?$/;

function valueOf(text: string): PyValue | undefined {
  for (const source of [text, text.replace(WORD, (word) => LITERALS[word] ?? word)]) {
    const read = readPythonLiteral(source);
    if (read.ok) return read.value;
  }
  return VARIABLE.test(text.trim()) ? text.trim() : undefined;
}
