/** Python calls in answers: looser than those in gold data, because models write truth values of other languages and names of variables. */
import type { ToolCall } from '../tasks/task';
import { PyDict, readPythonLiteral, type PyValue } from '../text';
import { splitArguments } from './benchmarks/python-call';
import { holdsEllipsis } from './answer-values';
import { plainCall } from './call-shapes';

const CALL = /^([A-Za-z_][\w.-]*)\s*\(([\s\S]*)\)$/;
const KEYWORD = /^([A-Za-z_]\w*)\s*=(?!=)\s*([\s\S]+)$/;
const ASSIGNED = /^[A-Za-z_]\w*\s*=\s*(?=[A-Za-z_][\w.-]*\s*\()/;
const PRINTED = /^print\(([\s\S]*)\)$/;

/** What may stand between two calls: a new line or a semicolon must be in it. */
const BETWEEN = /\)\s*(?:;\s*)?(?=[A-Za-z_])/g;

/**
 * `[f(a=1), g()]`, or calls one below the other or after a semicolon.
 * @param offered names of the menu: with them, calls that are assigned or printed are code, and no calls unless all are of the menu
 * @returns null for anything else, arguments by place among it
 */
export function readPythonCalls(text: string, offered?: ReadonlySet<string>): ToolCall[] | null {
  const whole = text.trim();
  const body =
    /^\[([\s\S]*)\]$/.exec(whole)?.[1] ??
    whole.replace(BETWEEN, (between) => (/[\n;]/.test(between) ? '),' : between));
  const pieces = splitArguments(body);
  if (pieces === null || pieces.length === 0) return null;
  const statements = pieces.map(statementOf);
  const calls = statements.map(({ call }) => readCall(call));
  if (!calls.every((call) => call !== null)) return null;
  const isCode = statements.some((statement) => statement.isCode);
  return offered && isCode && !calls.every(({ name }) => offered.has(name)) ? null : calls;
}

/** The call of `f(a=1)`, `r = f(a=1)` or `print(f(a=1))`; the latter are code. */
function statementOf(text: string): { call: string; isCode: boolean } {
  const piece = text.trim().replace(/;$/, '');
  const bare = piece.replace(ASSIGNED, '');
  const call = PRINTED.exec(bare)?.[1]?.trim() ?? bare;
  return { call, isCode: call !== piece };
}

function readCall(text: string): ToolCall | null {
  const match = CALL.exec(text);
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
    if (read.ok) return holdsEllipsis(read.value) ? undefined : read.value;
  }
  return VARIABLE.test(text.trim()) ? text.trim() : undefined;
}
