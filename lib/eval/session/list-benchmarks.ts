import { mapYielding } from '../../io/yielding';
import { BENCHMARKS, type BenchmarkEntry } from '../benchmarks/catalog';
import { DataFolder } from '../benchmarks/data-folder';
import type { Layout } from '../benchmarks/layouts';
import { locate, readBenchmark } from '../load-benchmark';
import type { RecordCounts } from '../neutral-record';

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
export async function listBenchmarks(
  dir: string | undefined,
  layout: Layout = 'original',
): Promise<ListedBenchmark[]> {
  const folder = dir === undefined ? undefined : new DataFolder(dir);
  return mapYielding(BENCHMARKS, async (entry) => {
    const { name, title, description, source, licence, restriction, inPaper, caution, readers } = entry;
    const layouts: ListedBenchmark['layouts'] = {};
    for (const item of Object.keys(readers) as Layout[])
      layouts[item] = await listLayout(entry, item, folder);
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

async function listLayout(
  entry: BenchmarkEntry,
  layout: Layout,
  folder: DataFolder | undefined,
): Promise<ListedLayout> {
  const complete = entry.readers[layout]!.counts;
  const nothing = { counts: null, complete, malformed: 0, missing: [], files: [] };
  if (folder === undefined) return { ...nothing, state: 'not searched' };
  const { state, missing } = locate(entry, folder, layout);
  if (state !== 'found') return { ...nothing, state, missing };
  try {
    const { counts, problems, files } = await readBenchmark(entry, folder, layout);
    return { state, counts, complete, malformed: problems.length, missing, files };
  } catch (error) {
    return { ...nothing, state: 'unreadable', problem: (error as Error).message };
  }
}
