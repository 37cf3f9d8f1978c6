/** The matcher against a second one, in another language, on mutated gold calls of every set. */
import { spawnSync } from 'node:child_process';
import * as path from 'node:path';

import { matchRecord } from '../../lib/eval/match-calls';
import type { NeutralRecord } from '../../lib/eval/neutral-record';
import { isObject } from '../../lib/eval/record-reader';
import { Random } from '../../lib/tasks/random';
import type { JsonValue, ToolCall } from '../../lib/tasks/task';
import { describeWithData, neutralRecords } from './benchmarks';

const FILES = [
  'toolalpaca/neutral',
  'toolalpaca/neutral_simulated',
  'sealtools/neutral',
  'sealtools/neutral_difficult',
  'nexusraven/neutral',
  'apibank/neutral',
  'snips/neutral',
  'bfcl/neutral',
  'hammer/neutral_toolalpaca',
  'hammer/neutral_sealtool',
  'hammer/neutral_apibank_l1',
  'hammer/neutral_apibank_l2',
];
const PAIRS_PER_FILE = 1700;
const ODD: readonly JsonValue[] = [
  '',
  '  ',
  '\t',
  null,
  true,
  false,
  'true',
  'True',
  0,
  1,
  1.5,
  '1',
  '1.0',
  '+1',
  '.5',
  '5.',
  '1e0',
  '1E+0',
  '0x10',
  'NaN',
  '1_0',
  '１',
  '-0',
  'x',
  [],
  {},
  [1],
  ['x'],
  [null],
  { a: 1 },
  { a: null },
  { a: '' },
];

class Mutator {
  constructor(private readonly random: Random) {}

  private pick = <T>(items: readonly T[]): T => this.random.pick(items);

  value(value: JsonValue): JsonValue {
    const changes: (() => JsonValue)[] = [() => this.pick(ODD)];
    if (typeof value === 'string') {
      const blank = () => this.pick(['', '  ', '\u00a0', '\n', '\u200b']);
      changes.push(
        () => value.toUpperCase(),
        () => value.replaceAll(' ', blank()),
        () => ` ${value}\n`,
        () => `${value}.`,
        () => [value],
        () => value.slice(1),
      );
      if (/^[\d.]+$/.test(value))
        changes.push(
          () => Number(value),
          () => `${value}.0`,
          () => `0${value}`,
          () => `+${value}`,
          () => `${value}e0`,
        );
    } else if (typeof value === 'number') {
      changes.push(
        () => String(value),
        () => value + 1,
        () => value + 1e-6,
        () => value.toFixed(3),
        () => value.toExponential(),
        () => ` ${value} `,
        () => [value],
        () => value === 1,
      );
    } else if (typeof value === 'boolean') {
      changes.push(
        () => !value,
        () => String(value),
        () => Number(value),
      );
    } else if (Array.isArray(value)) {
      changes.push(
        () => [...value].reverse(),
        () => value.slice(1),
        () => [...value, value[0] ?? 'x'],
        () => [...value, ''],
        () => value.map(String),
        () => value.map((item, index) => (index > 0 ? item : this.value(item))),
        () => JSON.stringify(value),
      );
    } else if (isObject(value)) {
      const entries = Object.entries(value);
      changes.push(
        () => ({ ...value, z: this.pick([null, '', 1]) }),
        () => Object.fromEntries(entries.toReversed()),
        () => Object.fromEntries(entries.slice(1)),
        () =>
          Object.fromEntries(entries.map(([key, item], index) => [key, index > 0 ? item : this.value(item)])),
        () => JSON.stringify(value),
      );
    }
    return this.pick(changes)();
  }

  calls(gold: readonly ToolCall[]): ToolCall[] {
    const calls = structuredClone([...gold]);
    for (let left = this.pick([0, 1, 1, 1, 1, 1, 1, 2, 2]); left > 0; left--) {
      const call = calls[this.random.int(0, Math.max(0, calls.length - 1))];
      const names = Object.keys(call?.arguments ?? {});
      const changes: (() => void)[] = [() => calls.reverse(), () => calls.pop()];
      if (call) {
        changes.push(
          () => calls.push(structuredClone(call)),
          () => (call.name = this.pick([`${call.name}x`, call.name.toUpperCase(), ` ${call.name}`])),
          () => (call.arguments[this.pick(['zzz', 'constructor', 'toString'])] = this.pick(ODD)),
        );
      }
      if (call && names.length > 0) {
        const [one, other] = [this.pick(names), this.pick(names)];
        const change = () => (call.arguments[one] = this.value(call.arguments[one]!));
        const swap = () =>
          ([call.arguments[one], call.arguments[other]] = [call.arguments[other]!, call.arguments[one]!]);
        changes.push(change, change, change, change, swap, () => delete call.arguments[one]);
      }
      this.pick(changes)();
    }
    return calls;
  }
}

const PYTHON = process.env['PYTHON'] ?? 'python3';
const hasPython = spawnSync(PYTHON, ['-c', 'import json'], { encoding: 'utf8' }).status === 0;
if (!hasPython) process.stderr.write(`skipped: no ${PYTHON} for the second matcher\n`);

describeWithData('published benchmarks', () => {
  (hasPython ? test : test.skip)('a matcher written in Python from the rules judges the same', () => {
    const mutator = new Mutator(Random.seeded('second matcher'));
    const random = Random.seeded('records');
    const pairs = FILES.flatMap((file) => {
      const records = neutralRecords(`${file}.jsonl`);
      return Array.from({ length: PAIRS_PER_FILE }, () => {
        const { gold_alternatives: _, ...rest } = random.pick(records);
        const record: NeutralRecord = rest;
        return { file, record, calls: mutator.calls(record.gold) };
      });
    });
    const input = pairs.map(({ record: { gold, optional_args: given }, calls }) =>
      JSON.stringify({ calls, gold, optional: gold.map((_, index) => given?.[index] ?? []) }),
    );
    const { stdout, stderr } = spawnSync(PYTHON, [path.join(__dirname, '../python/exact_match.py')], {
      input: input.join('\n'),
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    const theirs = [...stdout.trim()].map((digit) => digit === '1');
    expect(theirs).toHaveLength(pairs.length);
    const differing = pairs.filter(
      ({ record, calls }, index) => matchRecord(calls, record).correct !== theirs[index],
    );
    expect(
      differing.slice(0, 5).map(({ file, record, calls }) => ({ file, gold: record.gold, calls })),
    ).toEqual([]);
    const right = theirs.filter(Boolean).length / pairs.length;
    expect(right).toBeGreaterThan(0.2);
    expect(right).toBeLessThan(0.8);
  });
});
