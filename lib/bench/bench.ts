import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { checkAgainstReference } from './check';
import { modelConfig } from './head-shape';
import { LENGTHS_NOTE } from './iteration';
import { boundSeconds, scaledPhases } from './limits';
import type { MachineLimits } from '../driver/machine-limits';
import { measureRound, type Contestant } from './measure';
import { PEER_SIDES, type PeerPlace } from './peers';
import { fitTogether, freeBytesOf } from './residency';
import { rowOf } from './rows';
import { defaultDtype, type ShapeName } from './shapes';
import { Side, SideError, type Command, type Reply } from './side';
import { pointsOf, pointText, workloadOf, type Point } from './workloads';
import type { Dtype, MeasuredRow, PeerName, Suite, Workload } from './types';

export interface BenchOptions extends PeerPlace {
  suites: readonly Suite[];
  shapes: readonly ShapeName[];
  /** cpu, cuda or cuda:N */
  device: string;
  /** Default: float32 for the embedded shape on a CPU, else bfloat16. */
  dtype?: Dtype;
  peers: readonly PeerName[];
  /** Default 5, or 3 where one repetition takes over a minute. */
  repeats?: number;
  /** 0 = as many as there are cores. */
  threads: number;
  seed: number;
  verbose: boolean;
  /** Told of an interruption before the process ends. */
  interrupted?: (signal: NodeJS.Signals) => void;
  /** For progress, and for why something was skipped. */
  log: (line: string) => void;
}

/** What was measured so far. */
export interface BenchResult {
  rows: MeasuredRow[];
  machine: MachineLimits;
}

export const NOTHING_MEASURED = (): BenchResult => ({
  rows: [],
  machine: { name: 'unknown', flops: null, bytesPerSecond: null },
});

const ownCommand = (file: string): Command => ({
  program: process.execPath,
  args: [path.join(__dirname, 'own-process.js'), file],
});

class Bench {
  private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-bench-'));
  private readonly machines = new Map<Dtype, MachineLimits>();
  private readonly absences = new Map<PeerName, string | undefined>();

  /** Gigabytes of weights must not stay behind; the measured processes end with their stdin. */
  private readonly interrupted = (signal: NodeJS.Signals) => {
    // Its listeners stay: timeout(1) sends the signal twice, and the second must not cut the output short.
    this.removeFolder();
    this.options.interrupted?.(signal);
    process.exit(signal === 'SIGTERM' ? 143 : 130);
  };

  constructor(private readonly options: BenchOptions) {
    process.on('SIGINT', this.interrupted);
    process.on('SIGTERM', this.interrupted);
  }

  dispose(): void {
    process.off('SIGINT', this.interrupted);
    process.off('SIGTERM', this.interrupted);
    this.removeFolder();
  }

  private removeFolder(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  async machine(dtype: Dtype): Promise<MachineLimits> {
    const known = this.machines.get(dtype);
    if (known) return known;
    const { device, threads, log } = this.options;
    const file = path.join(this.folder, 'machine.json');
    fs.writeFileSync(file, JSON.stringify({ device, dtype, threads }));
    const machine = await this.once<MachineLimits>(file, { machine: true });
    this.machines.set(dtype, machine);
    const { name, flops, bytesPerSecond } = machine;
    const show = (value: number | null, unit: number) =>
      value === null ? 'unknown' : (value / unit).toPrecision(3);
    log(
      `machine: ${name}, ${dtype} products ${show(flops, 1e12)} TFLOP/s, memory copy ${show(bytesPerSecond, 1e9)} GB/s`,
    );
    return machine;
  }

  /** One request to the project's own process, which ends after it. */
  private async once<T>(file: string, request: object): Promise<T> {
    const side = new Side(ownCommand(file), this.options.verbose);
    try {
      return await side.ask<T>(request);
    } finally {
      await side.stop();
    }
  }

  /** Random weights in the shape that a suite needs, made once. */
  private async model(suite: Suite, shape: ShapeName, dtype: Dtype): Promise<string> {
    const config = modelConfig(suite, shape);
    const name = `${shape}-${config.num_hidden_layers}-${dtype}`;
    const modelDir = path.join(this.folder, name);
    if (fs.existsSync(path.join(modelDir, 'config.json'))) return modelDir;
    const configDir = path.join(this.folder, `${name}-config`);
    fs.mkdirSync(configDir);
    fs.writeFileSync(path.join(configDir, 'config.json'), JSON.stringify(config));
    const file = path.join(configDir, 'prepare.json');
    fs.writeFileSync(file, JSON.stringify({ modelDir, dtype, seed: this.options.seed, threads: 0 }));
    this.options.log(`making random weights: ${shape}, ${dtype}`);
    await this.once(file, { prepare: { configDir } });
    return modelDir;
  }

  private absence(peer: PeerName): string | undefined {
    if (!this.absences.has(peer)) {
      this.absences.set(peer, PEER_SIDES[peer].absent(this.options));
    }
    return this.absences.get(peer);
  }

  private contestants(workload: Workload, folder: string, peers: readonly PeerName[]): Contestant[] {
    const { log } = this.options;
    const file = path.join(folder, 'ours.json');
    const ownThreads = workload.threads || os.availableParallelism();
    fs.writeFileSync(file, JSON.stringify({ ...workload, threads: ownThreads }));
    const present = peers.filter((peer) => {
      const reason = PEER_SIDES[peer].unfit(workload) ?? this.absence(peer);
      if (reason !== undefined) log(`skipped ${peer} for ${workload.suite} ${workload.shape}: ${reason}`);
      return reason === undefined;
    });
    return [
      { peer: null, command: ownCommand(file) },
      ...present.map((peer) => ({ peer, command: PEER_SIDES[peer].command(workload, folder, this.options) })),
    ];
  }

  /** @throws NumericError when what was sampled is wrong; that there is no reference is only said */
  private async check(workload: Workload, { checked }: Reply, folder: string): Promise<void> {
    const { log, python } = this.options;
    if (!checked) return;
    const absent = this.absence('transformers');
    if (absent !== undefined) return log(`  not checked: ${absent}`);
    try {
      log(`  ${await checkAgainstReference(workload, checked, folder, python)}`);
    } catch (error) {
      if (!(error instanceof SideError)) throw error;
      log(`  not checked: ${error.message}`);
    }
  }

  async measure(point: Point): Promise<MeasuredRow[]> {
    const { suite, shape, metric } = point;
    const { device, log, repeats, verbose, threads, seed } = this.options;
    const dtype = this.options.dtype ?? defaultDtype(shape, device);
    const machine = await this.machine(dtype);
    const modelDir = await this.model(suite, shape, dtype);
    const workload = workloadOf(point, {
      modelDir,
      device,
      dtype,
      threads,
      seed,
    });
    const folder = fs.mkdtempSync(path.join(this.folder, 'row-'));
    const peers = this.options.peers.filter((peer) => PEER_SIDES[peer].suites.includes(suite));
    const contestants = this.contestants(workload, folder, peers);
    log(`${suite} ${shape} ${dtype} on ${device}: ${pointText(point)}`);
    if (suite === 'iteration') log(`  ${LENGTHS_NOTE}`);
    const resident = fitTogether(
      workload,
      contestants.map(({ peer }) => peer),
      freeBytesOf(device),
    );
    if (!resident) log('  not memory for all sides at once: each is loaded anew for every repetition');
    const round = await measureRound(contestants, {
      ...(repeats === undefined ? {} : { repeats }),
      resident,
      verbose,
      log,
      ...(suite === 'rollout' ? { check: (ours: Reply) => this.check(workload, ours, folder) } : {}),
    });
    const context = {
      suite,
      shape,
      device,
      dtype,
      metric,
      workload: pointText(point),
      bound: boundSeconds(workload, machine),
      flops: machine.flops,
      ...(suite === 'iteration'
        ? { phases: (phases: Record<string, number>) => scaledPhases(workload, phases) }
        : {}),
    };
    if (peers.length === 0) return [rowOf(context, round.ours, null, undefined)];
    return peers.map((peer) => rowOf(context, round.ours, peer, round.peers.get(peer)));
  }
}

/**
 * Measures the project beside its peers, row by row, each side a process of its own. Rows are added to `result` as they are
 * measured, so that those before a failure are not lost.
 * @throws SideError when the project's own side fails; a peer's failure only leaves its figures out
 */
export async function runBench(options: BenchOptions, result: BenchResult): Promise<void> {
  const bench = new Bench(options);
  try {
    for (const suite of options.suites) {
      for (const shape of options.shapes) {
        result.machine = await bench.machine(options.dtype ?? defaultDtype(shape, options.device));
        for (const point of pointsOf(suite, shape, options.device))
          result.rows.push(...(await bench.measure(point)));
      }
    }
  } finally {
    bench.dispose();
  }
}
