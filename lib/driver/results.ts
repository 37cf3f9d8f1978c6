import { readdir, rename, rm } from 'node:fs/promises';

import { publishedOfShape } from '../eval/published-results';
import { writeRoleFile } from '../policy/role-file';
import { accuracyTable } from '../report/accuracy-table';
import { benchmarkTable } from '../report/benchmark-table';
import { evaluationName } from './benchmark-stage';
import type { RunContext } from './context';
import type { Role, RunResult, StopReason } from './events';
import { flushTree } from '../io/files';
import { peakBytes } from './metrics';
import { rolesOf } from './roles';

/** Replaces a role's final folder at once. */
async function saveRole(context: RunContext, role: Role): Promise<string> {
  const { folder, roles } = context;
  const temporary = folder.path(`.writing-${role}`);
  await rm(temporary, { recursive: true, force: true });
  await roles.policy(role).save(temporary);
  writeRoleFile(temporary, { prompts: context.config.prompts, role });
  const final = folder.path(role);
  await flushTree(temporary);
  await rm(final, { recursive: true, force: true });
  await rename(temporary, final);
  return final;
}

/**
 * Answers of moments that are no measurement of this run: of a sitting that a limit ended within an iteration, or of another `evalEvery`, before the run
 * went on.
 */
async function removeLeftovers({ folder, state }: RunContext): Promise<void> {
  if (!folder.exists('evaluations')) return;
  const measured = new Set(state.benchmarks.map(evaluationName));
  for (const name of await readdir(folder.path('evaluations')))
    if (!measured.has(name)) await rm(folder.path('evaluations', name), { recursive: true, force: true });
}

/**
 * Ends a run: saves its roles as Hugging Face folders and writes results.json and results.md. After an interruption the roles stay in the
 * checkpoint, and only the result is reported.
 */
export async function finish(context: RunContext, reason: StopReason | undefined): Promise<RunResult> {
  const { state, config, folder, budget } = context;
  const saved: Pick<RunResult, Role> = {};
  if (reason !== 'signal') for (const role of rolesOf(config)) saved[role] = await saveRole(context, role);
  const publishedModel =
    state.benchmarks.length > 0 ? publishedOfShape(context.roles.policy('solver').info)?.name : undefined;
  const result: RunResult = {
    status: reason === undefined ? 'completed' : 'stopped',
    ...(reason === undefined ? {} : { reason }),
    directory: folder.dir,
    ...saved,
    ...(state.trainingTasks ? { tasks: state.trainingTasks } : {}),
    measurements: state.measurements,
    benchmarks: state.benchmarks,
    ...(publishedModel ? { publishedModel } : {}),
    steps: state.updates.generator + state.updates.solver,
    seconds: budget.seconds,
    peakMemoryBytes: peakBytes(),
    phases: context.meter.phases,
    ...(context.machine ? { machine: context.machine } : {}),
  };
  folder.record({ type: 'result', ...result });
  if (reason !== 'signal') {
    await folder.write('results.json', [`${JSON.stringify(result, null, 2)}\n`]);
    const benchmarks = benchmarkTable(result, 'markdown');
    await folder.write('results.md', [
      `${accuracyTable(result.measurements, 'markdown')}\n\n${context.heldOut.note}\n`,
      ...(benchmarks === '' ? [] : [`\n## Benchmarks\n\n${benchmarks}\n`]),
    ]);
    await rm(folder.path('offload'), { recursive: true, force: true });
    await removeLeftovers(context);
  }
  return result;
}
