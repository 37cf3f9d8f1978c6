import { benchmarkNamed, type BenchmarkEntry } from '../benchmarks/catalog';
import { DataFolder } from '../benchmarks/data-folder';
import type { Layout } from '../benchmarks/layouts';
import { isNeutralFile, readNeutralFile } from '../benchmarks/neutral-file';
import { BenchmarkMissingError, readBenchmark, type Benchmark } from '../load-benchmark';
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
export async function openBenchmarks(
  names: readonly string[],
  dir: string | undefined,
  layout: Layout,
  flags = EVAL_FLAGS,
): Promise<OpenedBenchmarks> {
  const opened: OpenedBenchmarks = { benchmarks: [], missing: {} };
  const wanted = names.map((name) => (isNeutralFile(name) ? name : benchmarkNamed(name)));
  const published = wanted.filter((item) => typeof item !== 'string');
  if (published.length > 0 && dir === undefined) {
    const titles = published.map(({ title }) => title).join(', ');
    const [verb, them] = published.length === 1 ? ['lies', 'it'] : ['lie', 'them'];
    throw new ConfigError(
      `${flags.data}: say in which folder ${titles} ${verb} (eval --list says where to get ${them})`,
    );
  }
  const folder = dir === undefined ? undefined : new DataFolder(dir);
  for (const item of wanted) {
    if (typeof item === 'string') opened.benchmarks.push(await readNeutralFile(item));
    else await openOne(item, folder!, layout, opened);
  }
  if (opened.benchmarks.length === 0) throw new ConfigError(Object.values(opened.missing).join('\n'));
  const repeated = opened.benchmarks.find(
    ({ name }, index) => opened.benchmarks.findIndex((other) => other.name === name) < index,
  );
  if (repeated) {
    const places = new Set(
      opened.benchmarks.flatMap(({ name, files }) => (name === repeated.name ? [filesInShort(files)] : [])),
    );
    const hint = places.size > 1 ? ` (${[...places].join('; ')}): rename a file, or evaluate them apart` : '';
    throw new ConfigError(`${flags.benchmark}: '${repeated.name}' is named twice${hint}`);
  }
  return opened;
}

const filesInShort = ([first = '', ...others]: readonly string[]): string =>
  others.length === 0 ? first : `${first} and ${others.length} more`;

async function openOne(
  entry: BenchmarkEntry,
  folder: DataFolder,
  layout: Layout,
  opened: OpenedBenchmarks,
): Promise<void> {
  try {
    opened.benchmarks.push(await readBenchmark(entry, folder, layout));
  } catch (error) {
    if (!(error instanceof BenchmarkMissingError)) throw error;
    opened.missing[entry.name] = error.message;
  }
}

/** Reads sets all of which must be there; none may be asked for. @throws ConfigError, as openBenchmarks and for one that is absent */
export async function openAllBenchmarks(
  ...[names, ...rest]: Parameters<typeof openBenchmarks>
): Promise<OpenedBenchmarks> {
  if (names.length === 0) return { benchmarks: [], missing: {} };
  const opened = await openBenchmarks(names, ...rest);
  const missing = Object.values(opened.missing);
  if (missing.length > 0) throw new ConfigError(missing.join('\n'), { missing: Object.keys(opened.missing) });
  return opened;
}
