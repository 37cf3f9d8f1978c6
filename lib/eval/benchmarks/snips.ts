import { ConfigError } from '../../binding/errors';
import type { JsonValue, ToolCall } from '../../tasks/task';
import type { DataFolder } from './data-folder';
import type { BenchmarkFiles } from './layouts';
import {
  FieldProblem,
  listOf,
  objectOf,
  padded,
  readDataJson,
  readDataText,
  type RecordList,
} from './reading';
import { SNIPS_TOOLS } from './snips-tools';
import type { Steps } from './steps';

const INTENTS = SNIPS_TOOLS.map(({ name }) => name);

const intentFile = (intent: string) => `validate_${intent}.json`;

/** The validation files of the original release (sonos), or the 700-row test split of Goo et al. (seq.in, seq.out, label). */
export function findSnips(folder: DataFolder): BenchmarkFiles {
  const files = Object.fromEntries(
    INTENTS.map(
      (intent) =>
        [
          intentFile(intent),
          folder.find(intentFile(intent), { prefer: [`${intent.toLowerCase()}.validate_`] }),
        ] as const,
    ),
  );
  const goo = Object.fromEntries(
    ['test/seq.in', 'test/seq.out', 'test/label'].map(
      (name) => [name, folder.find(name, { prefer: ['snips'], avoid: ['atis'] })] as const,
    ),
  );
  const anyOf = (found: Record<string, string | undefined>) => Object.values(found).some(Boolean);
  return anyOf(files) || !anyOf(goo) ? files : goo;
}

export function* readSnips(files: Record<string, string>, list: RecordList): Steps {
  if ('test/seq.in' in files) yield* readGoo(files, list);
  else for (const intent of INTENTS) yield* readIntent(intent, files[intentFile(intent)]!, list);
}

function* readIntent(intent: string, file: string, list: RecordList): Steps {
  const rows = (readDataJson(file) as Record<string, unknown> | null)?.[intent];
  if (!Array.isArray(rows)) {
    throw new ConfigError(`${file}: must hold an object with a list under '${intent}'`, { file, intent });
  }
  for (const [index, row] of (rows as JsonValue[]).entries()) {
    yield list.add(file, index + 1, () => {
      const pieces = listOf(objectOf(row, 'row')['data'], 'data').map((piece, place) => {
        const { text, entity } = objectOf(piece, `data[${place}]`);
        if (typeof text !== 'string') throw new FieldProblem(`data[${place}].text`, 'must be a string');
        return { text, entity };
      });
      const slots = pieces.flatMap(({ text, entity }) =>
        typeof entity === 'string' ? [[entity, text.trim()] as const] : [],
      );
      return snipsRecord(`snips-validate-${intent}-${padded(index, 3)}`, 'validate', {
        question: pieces.map(({ text }) => text).join(''),
        call: { name: intent, arguments: Object.fromEntries(slots) },
      });
    });
  }
}

/** One utterance per line: words, their B-/I- slot tags and the intent, in three files. */
function* readGoo(files: Record<string, string>, list: RecordList): Steps {
  const lines = (name: string) =>
    readDataText(files[name]!)
      .replace(/\r?\n$/, '')
      .split(/\r?\n/);
  const [words, tags, labels] = ['test/seq.in', 'test/seq.out', 'test/label'].map(lines) as [
    string[],
    string[],
    string[],
  ];
  list.notes.push('this is the test split of Goo et al., in lower case and without punctuation');
  if (words.length !== tags.length || words.length !== labels.length) {
    throw new ConfigError(
      `${files['test/seq.in']}: has ${words.length} lines, seq.out ${tags.length}, label ${labels.length}: one was cut off?`,
      { files },
    );
  }
  for (const [index, line] of words.entries()) {
    yield list.add(files['test/seq.in']!, index + 1, () => {
      const intent = labels[index]!.trim();
      if (!INTENTS.includes(intent))
        throw new FieldProblem('label', `'${intent}' is no SNIPS intent (${INTENTS.join(', ')})`);
      const tokens = line.trim().split(/\s+/);
      const marks = tags[index]!.trim().split(/\s+/);
      if (tokens.length !== marks.length)
        throw new FieldProblem('seq.out', `has ${marks.length} tags for ${tokens.length} words`);
      return snipsRecord(`snips-test-${padded(index, 3)}`, 'test', {
        question: line,
        call: { name: intent, arguments: spans(tokens, marks) },
      });
    });
  }
}

function spans(tokens: readonly string[], marks: readonly string[]): ToolCall['arguments'] {
  const slots: Record<string, string> = {};
  marks.forEach((mark, place) => {
    const slot = mark.slice(2);
    if (mark.startsWith('B-')) slots[slot] = tokens[place]!;
    else if (mark.startsWith('I-')) slots[slot] = `${slots[slot] ?? ''} ${tokens[place]!}`.trim();
  });
  return slots;
}

function snipsRecord(id: string, split: string, { question, call }: { question: string; call: ToolCall }) {
  return {
    id,
    question: question.trim(),
    tools: [...SNIPS_TOOLS],
    gold: [call],
    meta: { benchmark: 'snips', split, intent: call.name, flags: [] },
  };
}
