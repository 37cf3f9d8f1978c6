import { BENCHMARKS, benchmarkNamed, type BenchmarkEntry } from '../benchmarks/catalog';
import { DataFolder } from '../benchmarks/data-folder';
import type { Layout } from '../benchmarks/layouts';
import { isNeutralFile, readNeutralFile } from '../benchmarks/neutral-file';
import { BenchmarkMissingError, locate, readBenchmark, type Benchmark } from '../load-benchmark';
import type { RecordCounts } from '../neutral-record';
import { ConfigError } from '../../binding/errors';

export interface OpenedBenchmarks {
  benchmarks: Benchmark[];
  /** Sets that are not in the folder, with where to get them. */
  missing: Record<string, string>;
}

/** How the user says what to open: the flags named in errors. */
export interface OpeningFlags {
  benchmark: string;
  data: string;
}

const EVAL_FLAGS: OpeningFlags = { benchmark: '--benchmark', data: '--data' };

/**
 * Reads several sets. One that is not there is left out and told of; anything else that is wrong stops all, before a model is loaded.
 * @throws ConfigError for an unknown name, an incomplete or unreadable set, or when none of the sets is there
 */
export function openBenchmarks(
  names: readonly string[],
  dir: string | undefined,
  layout: Layout,
  flags = EVAL_FLAGS,
): OpenedBenchmarks {
  const opened: OpenedBenchmarks = { benchmarks: [], missing: {} };
  const wanted = names.map((name) => (isNeutralFile(name) ? name : benchmarkNamed(name)));
  const published = wanted.filter((item) => typeof item !== 'string');
  if (published.length > 0 && dir === undefined) {
    throw new ConfigError(
      `${flags.data}: say in which folder ${published.map(({ title }) => title).join(', ')} lie (eval --list says where to get them)`,
    );
  }
  const folder = dir === undefined ? undefined : new DataFolder(dir);
  for (const item of wanted) {
    if (typeof item === 'string') opened.benchmarks.push(readNeutralFile(item));
    else openOne(item, folder!, layout, opened);
  }
  if (opened.benchmarks.length === 0) throw new ConfigError(Object.values(opened.missing).join('\n'));
  const repeated = opened.benchmarks.find(
    ({ name }, index) => opened.benchmarks.findIndex((other) => other.name === name) < index,
  );
  if (repeated) {
    const files = new Set(
      opened.benchmarks.flatMap(({ name, files: own }) => (name === repeated.name ? own : [])),
    );
    const hint = files.size > 1 ? ` (${[...files].join(', ')}): rename a file, or evaluate them apart` : '';
    throw new ConfigError(`${flags.benchmark}: '${repeated.name}' is named twice${hint}`);
  }
  return opened;
}

function openOne(entry: BenchmarkEntry, folder: DataFolder, layout: Layout, opened: OpenedBenchmarks): void {
  try {
    opened.benchmarks.push(readBenchmark(entry, folder, layout));
  } catch (error) {
    if (!(error instanceof BenchmarkMissingError)) throw error;
    opened.missing[entry.name] = error.message;
  }
}

/** Reads sets all of which must be there; none may be asked for. @throws ConfigError, as openBenchmarks and for one that is absent */
export function openAllBenchmarks(...[names, ...rest]: Parameters<typeof openBenchmarks>): OpenedBenchmarks {
  if (names.length === 0) return { benchmarks: [], missing: {} };
  const opened = openBenchmarks(names, ...rest);
  const missing = Object.values(opened.missing);
  if (missing.length > 0) throw new ConfigError(missing.join('\n'), { missing: Object.keys(opened.missing) });
  return opened;
}

/** A line of `eval --list`. */
export interface ListedBenchmark {
  name: string;
  title: string;
  /** Whether it can be evaluated, in the layout asked for if it comes in it. */
  found: boolean;
  /** What is there in that layout, else what a complete copy holds. */
  records: number;
  calls: number;
  tools: number;
  description: string;
  source: string;
  licence: string;
  restriction?: string;
  inPaper: boolean;
  caution?: string;
  layouts: Partial<Record<Layout, ListedLayout>>;
}

export interface ListedLayout {
  state: 'found' | 'incomplete' | 'absent' | 'unreadable' | 'not searched';
  /** What is there; null where it cannot be read. */
  counts: RecordCounts | null;
  /** What a complete copy holds. */
  complete: RecordCounts;
  malformed: number;
  missing: string[];
  files: string[];
  problem?: string;
}

/** All sets with what a folder has of them. */
export function listBenchmarks(dir: string | undefined, layout: Layout = 'original'): ListedBenchmark[] {
  const folder = dir === undefined ? undefined : new DataFolder(dir);
  return BENCHMARKS.map((entry) => {
    const { name, title, description, source, licence, restriction, inPaper, caution, readers } = entry;
    const layouts = Object.fromEntries(
      (Object.keys(readers) as Layout[]).map((item) => [item, listLayout(entry, item, folder)] as const),
    ) as ListedBenchmark['layouts'];
    const { state, counts, complete } = (layouts[layout] ?? layouts.original)!;
    return {
      name,
      title,
      found: state === 'found',
      ...(counts ?? complete),
      description,
      source,
      licence,
      ...(restriction === undefined ? {} : { restriction }),
      inPaper,
      ...(caution === undefined ? {} : { caution }),
      layouts,
    };
  });
}

function listLayout(entry: BenchmarkEntry, layout: Layout, folder: DataFolder | undefined): ListedLayout {
  const complete = entry.readers[layout]!.counts;
  const nothing = { counts: null, complete, malformed: 0, missing: [], files: [] };
  if (folder === undefined) return { ...nothing, state: 'not searched' };
  const { state, missing } = locate(entry, folder, layout);
  if (state !== 'found') return { ...nothing, state, missing };
  try {
    const { counts, problems, files } = readBenchmark(entry, folder, layout);
    return { state, counts, complete, malformed: problems.length, missing, files };
  } catch (error) {
    return { ...nothing, state: 'unreadable', problem: (error as Error).message };
  }
}
