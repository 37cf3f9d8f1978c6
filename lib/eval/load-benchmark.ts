import * as path from 'node:path';

import { ConfigError } from '../binding/errors';
import { benchmarkNamed, type BenchmarkEntry } from './benchmarks/catalog';
import { DataFolder } from './benchmarks/data-folder';
import type { BenchmarkFiles, Layout } from './benchmarks/layouts';
import { isNeutralFile, readNeutralFile } from './benchmarks/neutral-file';
import { RecordList, shortPath } from './benchmarks/reading';
import { runSteps } from './benchmarks/steps';
import { countRecords, type NeutralRecord, type RecordCounts, type RecordProblem } from './neutral-record';

export interface LoadOptions {
  /** Default `original`. `hammer` is that of the paper's likely source; a set it does not hold is read in its original layout. */
  layout?: Layout;
}

/** A benchmark in memory. */
export interface Benchmark {
  name: string;
  title: string;
  /** The layout it was read in. */
  layout: Layout;
  records: NeutralRecord[];
  counts: RecordCounts;
  /** Malformed records, left out. */
  problems: RecordProblem[];
  /** Records left out on purpose, by reason. */
  dropped: Record<string, number>;
  files: string[];
  /** What to know about this copy. */
  notes: string[];
}

/** A set that is not in the folder; the other sets can still be evaluated. */
export class BenchmarkMissingError extends ConfigError {}

export interface Availability {
  layout: Layout;
  state: 'found' | 'incomplete' | 'absent';
  files: BenchmarkFiles;
  missing: string[];
}

/** Where the files of a set are, in the layout asked for if the set comes in it. */
export function locate(entry: BenchmarkEntry, folder: DataFolder, layout: Layout = 'original'): Availability {
  const used = entry.readers[layout] ? layout : 'original';
  const { find, optional = {} } = entry.readers[used]!;
  const files = find(folder);
  const needed = Object.keys(files).filter((name) => !(name in optional));
  const missing = needed.filter((name) => files[name] === undefined);
  const state = missing.length === 0 ? 'found' : missing.length < needed.length ? 'incomplete' : 'absent';
  return { layout: used, state, files, missing };
}

/**
 * Reads a benchmark from a folder that is searched recursively for its upstream files.
 * @param name `toolalpaca`, `seal-tools`, `nexusraven`, `api-bank`, `snips`, `bfcl`, …; or a file of neutral records, then without `dir`
 * @throws BenchmarkMissingError when none of its files is there; ConfigError for an unknown name, missing or unreadable files
 */
export async function loadBenchmark(
  name: string,
  dir?: string,
  { layout = 'original' }: LoadOptions = {},
): Promise<Benchmark> {
  if (isNeutralFile(name)) return readNeutralFile(name);
  const entry = benchmarkNamed(name);
  if (dir === undefined) throw new ConfigError(`${entry.title}: say in which folder it lies`, { name });
  return readBenchmark(entry, new DataFolder(dir), layout);
}

/** As loadBenchmark, from a folder that has been searched. */
export async function readBenchmark(
  entry: BenchmarkEntry,
  folder: DataFolder,
  layout: Layout,
): Promise<Benchmark> {
  const found = locate(entry, folder, layout);
  if (found.state !== 'found') throw notFound(entry, folder, found);
  const files = Object.fromEntries(
    Object.entries(found.files).filter((item): item is [string, string] => item[1] !== undefined),
  );
  const list = new RecordList();
  await runSteps(entry.readers[found.layout]!.read(files, list));
  return benchmarkOf(entry, found, { files, list, asked: layout });
}

function benchmarkOf(
  entry: BenchmarkEntry,
  found: Availability,
  { files, list, asked }: { files: Record<string, string>; list: RecordList; asked: Layout },
): Benchmark {
  if (list.records.length === 0) {
    const first = list.problems[0];
    throw new ConfigError(
      `${entry.title}: no record of it can be read${first ? ` (${shortPath(first.file)}, record ${first.line}: ${first.message})` : ''}`,
      { name: entry.name },
    );
  }
  const counts = countRecords(list.records);
  return {
    name: entry.name,
    title: entry.title,
    layout: found.layout,
    records: list.records,
    counts,
    problems: list.problems,
    dropped: list.dropped,
    files: Object.values(files),
    notes: [...list.notes, ...notesOf(entry, found, asked, counts)],
  };
}

function notesOf(entry: BenchmarkEntry, found: Availability, asked: Layout, counts: RecordCounts): string[] {
  const { optional = {}, counts: complete, caution } = entry.readers[found.layout]!;
  const without = Object.entries(optional).filter(([name]) => found.files[name] === undefined);
  return [
    ...(found.layout === asked
      ? []
      : [`${entry.title} does not come in the ${asked} layout: read as published`]),
    ...without.map(([name, loss]) => `${name} is not there: ${loss}`),
    ...(counts.records === complete.records
      ? []
      : [`${counts.records} records where a complete copy gives ${complete.records}`]),
    ...[entry.caution, caution].filter((note) => note !== undefined),
  ];
}

/** Missing files that an error names. */
const NAMED = 5;

function notFound(
  entry: BenchmarkEntry,
  { dir }: DataFolder,
  { state, missing, layout }: Availability,
): ConfigError {
  const wanted =
    missing.length > NAMED ? [...missing.slice(0, NAMED), `and ${missing.length - NAMED} more`] : missing;
  const where = `${entry.source}, ${entry.licence}${entry.restriction ? `: ${entry.restriction}` : ''}`;
  const details = { name: entry.name, dir, missing, layout };
  return state === 'absent'
    ? new BenchmarkMissingError(
        `${entry.title} is not in ${path.resolve(dir)}: looked for ${wanted.join(', ')}. Get it from ${where}`,
        details,
      )
    : new ConfigError(
        `${entry.title} is incomplete in ${path.resolve(dir)}: ${wanted.join(', ')} missing. A download that was cut off? It comes from ${where}`,
        details,
      );
}
