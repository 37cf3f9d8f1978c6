import { ConfigError } from '../binding/errors';
import type { Config } from '../config';
import { ContaminationGuard } from '../eval/contamination';
import { recordsFingerprint } from '../eval/session/data-fingerprint';
import { openAllBenchmarks, type OpenedBenchmarks } from '../eval/session/open-benchmarks';
import { nextTurn } from '../io/yielding';
import type { RunState } from './state';

/** The benchmarks put to the Solver of a run. */
export interface RunBenchmarks extends OpenedBenchmarks {
  /** Refuses every record of theirs, whatever part of them is asked. */
  guard: ContaminationGuard;
  /** Tell one copy of a set from another: all records, whatever the limit. */
  fingerprints: Record<string, string>;
}

export const NO_BENCHMARKS: RunBenchmarks = {
  benchmarks: [],
  missing: {},
  guard: new ContaminationGuard([]),
  fingerprints: {},
};

/**
 * Reads the benchmarks a run is to be measured on.
 * @throws ConfigError for an unknown name, and for a set that is absent, incomplete or unreadable
 */
export async function openRunBenchmarks(config: Config): Promise<RunBenchmarks> {
  const { evalBenchmarks, benchmarkData, evaluation } = config;
  if (evalBenchmarks.length === 0) return NO_BENCHMARKS;
  const opened = await openAllBenchmarks(evalBenchmarks, benchmarkData ?? undefined, evaluation.layout, {
    benchmark: '--eval-benchmarks',
    data: '--benchmark-data',
  });
  const guard = await ContaminationGuard.of(opened.benchmarks.flatMap(({ records }) => records));
  const fingerprints: Record<string, string> = {};
  for (const { name, records } of opened.benchmarks) {
    fingerprints[name] = recordsFingerprint(records);
    await nextTurn();
  }
  return { ...opened, guard, fingerprints };
}

/** What was kept out of training must be what is measured: a run goes on with the records it began with. @throws ConfigError */
export function checkSameBenchmarks({ fingerprints }: RunBenchmarks, { benchmarkData }: RunState): void {
  for (const [name, before] of Object.entries(benchmarkData ?? {})) {
    if (fingerprints[name] === before) continue;
    throw new ConfigError(
      `--benchmark-data: the records of '${name}' are not those this run began with; its measurements could not be compared. ` +
        'Give the folder of the same data, or start a new run (--if-exists new)',
      { benchmark: name },
    );
  }
}
