/**
 * The project's own side of the benchmark, a process like a peer's: argv[2] is a workload file; it loads the model, writes
 * {"ready": true}, and answers every request line on stdin with one line. It also makes the weights and measures
 * the machine, so that neither counts as memory of what is measured.
 */
import * as fs from 'node:fs';
import * as readline from 'node:readline';

import { loadAddon } from '../binding/load';
import { Policy } from '../policy/policy';
import { peakCudaBytes, peakResidentBytes, resetPeak } from './memory';
import { machineLimits } from '../driver/machine-limits';
import { ownRepetition, type OwnRequest } from './own-suites';
import type { Workload } from './types';

/** A line of stdin: one of the three, or a repetition of the loaded suite. */
interface Line extends OwnRequest {
  load?: true;
  /** Make random weights of `configDir`/config.json and save them as the workload's model. */
  prepare?: { configDir: string };
  /** Measure what the machine can do. */
  machine?: true;
}

const write = process.stdout.write.bind(process.stdout);
// Nothing but replies goes to stdout.
process.stdout.write = process.stderr.write.bind(process.stderr);
const reply = (fields: object): void => void write(`${JSON.stringify(fields)}\n`);

async function prepare({ modelDir, dtype, seed }: Workload, configDir: string): Promise<object> {
  const policy = await Policy.init(configDir, { device: 'cpu', dtype, seed });
  await policy.save(modelDir);
  const { parameterCount } = policy.info;
  await policy.dispose();
  return { parameterCount };
}

async function main(): Promise<void> {
  const workload = JSON.parse(fs.readFileSync(process.argv[2]!, 'utf8')) as Workload;
  if (workload.threads > 0) loadAddon().setThreads(workload.threads);
  const lines = readline.createInterface({ input: process.stdin });
  let run: ((request: OwnRequest) => Promise<object>) | undefined;
  for await (const line of lines) {
    if (line.trim() === '') break;
    const request = JSON.parse(line) as Line;
    if (request.prepare) reply(await prepare(workload, request.prepare.configDir));
    else if (request.machine) reply(await machineLimits(workload.device, workload.dtype));
    else if (request.load) {
      const suite = await ownRepetition(workload);
      resetPeak();
      run = suite.repetition;
      reply({
        ready: true,
        version: 'this build',
        baseResidentBytes: peakResidentBytes(),
        stateBytes: suite.stateBytes,
      });
    } else {
      if (!run) throw new Error('asked for a repetition before load');
      const result = await run(request);
      reply({
        ...result,
        peakResidentBytes: peakResidentBytes(),
        peakCudaBytes: peakCudaBytes(workload.device),
      });
    }
  }
  lines.close();
}

main().then(
  () => process.exit(0),
  (error: Error) => {
    process.stderr.write(`${error.stack}\n`);
    reply({ error: `${error.name}: ${error.message.split('\n')[0]}` });
    process.exit(1);
  },
);
