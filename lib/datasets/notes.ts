import { schemaOfArgument } from '../eval/benchmarks/schema-types';
import type { NeutralRecord } from '../eval/neutral-record';
import { mapYielding } from '../io/yielding';
import type { JsonValue } from '../tasks/task';
import type { TrainingLayout } from './layouts';

const untested = (name: string) =>
  `the layout follows the documented schema of ${name} and was not tested on the original file`;

/** Layouts of which no original row was at hand. */
const UNTESTED: Partial<Record<TrainingLayout, string>> = {
  toolace: untested('ToolACE'),
  xlam: untested('xlam-function-calling-60k'),
};

const TYPES_NOT_OF_TEXT: ReadonlySet<unknown> = new Set(['integer', 'number', 'boolean']);

/** What a note counts, and how it says so of one record and of several. */
const COUNTED: readonly {
  holds: (record: NeutralRecord) => boolean;
  verbs: [string, string];
  what: string;
}[] = [
  {
    holds: (record) => (record.gold_alternatives ?? record.optional_args) !== undefined,
    verbs: ['accepts', 'accept'],
    what: 'other values or fewer arguments; the training reward compares with gold alone',
  },
  {
    holds: someArgument(
      (value, schema) => typeof value === 'string' && TYPES_NOT_OF_TEXT.has(schema?.['type']),
    ),
    verbs: ['has', 'have'],
    what: 'a gold text where the tool asks for a number or truth value, kept as it is',
  },
  {
    holds: someArgument((_, schema) => schema === undefined),
    verbs: ['gives', 'give'],
    what: 'arguments that the tools do not declare, kept as they are',
  },
];

/** What to know about a file of training tasks before training on it. */
export async function notesOn(layout: TrainingLayout, records: readonly NeutralRecord[]): Promise<string[]> {
  const counts = COUNTED.map(() => 0);
  await mapYielding(records, (record) =>
    COUNTED.forEach(({ holds }, index) => {
      if (holds(record)) counts[index]!++;
    }),
  );
  return [
    ...[UNTESTED[layout]].filter((note) => note !== undefined),
    ...COUNTED.flatMap(({ verbs: [one, many], what }, index) => {
      const count = counts[index]!;
      return count === 0 ? [] : [`${count} ${count === 1 ? `record ${one}` : `records ${many}`} ${what}`];
    }),
  ];
}

function someArgument(
  holds: (value: JsonValue, schema: ReturnType<typeof schemaOfArgument>) => boolean,
): (record: NeutralRecord) => boolean {
  return ({ tools, gold }) =>
    gold.some(({ name, arguments: given }) => {
      const tool = tools.find((one) => one.name === name);
      return Object.entries(given).some(([argument, value]) =>
        holds(value, schemaOfArgument(tool, argument)),
      );
    });
}
