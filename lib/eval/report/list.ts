import type { RecordCounts } from '../neutral-record';
import type { ListedBenchmark, ListedLayout } from '../session/list-benchmarks';

const counted = ({ records, calls, tools }: RecordCounts) =>
  `${records} records, ${calls} gold calls, ${tools} tools`;

function stateOf({ state, counts, complete, malformed, missing, problem }: ListedLayout): string {
  switch (state) {
    case 'found': {
      const isUsual = JSON.stringify(counts) === JSON.stringify(complete);
      // As many records of another version (BFCL v3) are complete, too.
      const copy = counts!.records < complete.records ? 'a complete copy' : 'the usual copy';
      const rest = isUsual ? '' : ` (${copy} has ${counted(complete)})`;
      return `found: ${counted(counts!)}${rest}${malformed > 0 ? `, ${malformed} malformed` : ''}`;
    }
    case 'incomplete':
      return `incomplete: ${missing.join(', ')} missing`;
    case 'unreadable':
      return `unreadable: ${problem ?? ''}`;
    case 'absent':
      return `not there (${counted(complete)}): ${missing.join(', ')}`;
    case 'not searched':
      return counted(complete);
  }
}

/** What `eval --list` prints. */
export function listText(sets: readonly ListedBenchmark[], dir: string | undefined): string {
  const blocks = sets.map((set) => [
    `${set.name}${set.inPaper ? ' (in the paper’s mean)' : ''}`,
    `  ${set.description}`,
    `  from ${set.source}`,
    `  licence: ${set.licence}${set.restriction ? `; ${set.restriction}` : ''}`,
    ...(set.caution ? [`  note: ${set.caution}`] : []),
    ...Object.entries(set.layouts).map(([layout, listed]) => `  ${layout}: ${stateOf(listed)}`),
  ]);
  const hint = dir === undefined ? ['', 'Say --data DIR to see which of them are in a folder.'] : [];
  return [...blocks.map((block) => block.join('\n')), ...hint].join('\n');
}
