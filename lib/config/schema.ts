import { z } from 'zod';

import { TRAINING_LAYOUTS } from '../datasets/layouts';
import { PUBLISHED_SWITCH_NAMES, type PublishedSwitches } from '../rewards/published';
import { choice, flagField, integer, optionalInteger, optionalReal, optionalText, textList } from './leaf';
import {
  ablationSection,
  checkpointSection,
  curationSection,
  evaluationSection,
  generatorSection,
  solverSection,
  synthesisSection,
} from './method-section';
import { specSection } from './spec-section';

const publishedNames = PUBLISHED_SWITCH_NAMES as unknown as [
  keyof PublishedSwitches,
  ...(keyof PublishedSwitches)[],
];

/**
 * Everything a run can be told, with the paper's numbers as defaults. The one source of types, defaults, flags, JSON schema and
 * the documentation table. Presets are overrides of it (presets.ts).
 */
export const configSchema = z.strictObject({
  name: optionalText('Name of the run; default: the model folder’s name, or tiny.', { flag: true }),
  model: optionalText('Hugging Face model folder both roles start from; default: the embedded base model.', {
    flag: true,
  }),
  out: optionalText('Run folder; default: ./runs/<time>-<name>.', { flag: true }),
  ifExists: choice(
    'fail',
    ['fail', 'resume', 'new'],
    'When the run folder exists: stop, resume it, or make a numbered sibling.',
    {
      flag: true,
    },
  ),
  seed: integer(1, 0, 'Seed of every random choice.', { flag: true, max: 2 ** 32 - 1 }),
  iterations: integer(
    3,
    1,
    'Iterations of self-play, or parts of the training on given tasks; each ends with a measurement.',
    { flag: true },
  ),
  maxSteps: optionalInteger(1, 'Stop training after this many optimizer steps of both roles together.', {
    flag: true,
  }),
  maxMinutes: optionalReal(0, null, 'Stop training after this many minutes.', { flag: true }),
  device: z
    .string()
    .regex(/^(auto|cpu|cuda|cuda:\d+)$/, 'must be auto, cpu, cuda or cuda:N')
    .default('auto')
    .meta({ description: 'auto, cpu, cuda or cuda:N; cuda never falls back to the CPU.', flag: true }),
  dtype: choice(
    'auto',
    ['auto', 'float32', 'bfloat16'],
    'Dtype computed with; auto is float32 on the CPU, bfloat16 on CUDA.',
    {
      flag: true,
    },
  ),
  threads: integer(0, 0, 'CPU threads of the native core; 0 is all cores this process may use.', {
    flag: true,
    max: 1024,
  }),
  prompts: choice(
    'standard',
    ['standard', 'compact'],
    'Prompt set: full instructions, or the embedded model’s compact templates.',
  ),
  tasks: optionalText(
    'Train the Solver on the tasks of this file, without a Generator: neutral records, or data of ToolRL, xLAM, ToolACE or Hammer.',
    { flag: true },
  ),
  tasksLayout: choice('auto', ['auto', ...TRAINING_LAYOUTS], 'How the file of tasks is laid out.', {
    flag: true,
  }),
  evalData: optionalText('Held-out tasks: a JSONL file of {id, question, tools, gold}.', { flag: true }),
  evalEvery: integer(
    0,
    0,
    'Measure also after every so many steps of the Solver; 0: at the start and after each iteration.',
    { flag: true },
  ),
  evalBenchmarks: textList(
    'Benchmarks put to the Solver at every measurement (see eval --list), or files of neutral records: toolalpaca,./exam.jsonl. None of their records is trained on.',
    { flag: true },
  ),
  benchmarkData: optionalText('Folder searched for the files of the benchmarks.', { flag: true }),
  evalLimit: optionalInteger(1, 'Records of each benchmark at a measurement, spread evenly; null: all.', {
    flag: true,
  }),
  published: z
    .array(z.enum(publishedNames))
    .default([])
    .meta({ description: 'Published behaviours to switch back on, by name.' }),
  rollout: z
    .strictObject({
      maxBatch: integer(0, 0, 'Sequences decoded together; 0 is chosen by the engine.'),
      maxKvBytes: integer(0, 0, 'Bytes for keys and values; 0 is chosen from the free memory.'),
    })
    .prefault({}),
  spec: specSection,
  generator: generatorSection,
  synthesis: synthesisSection,
  curation: curationSection,
  solver: solverSection,
  evaluation: evaluationSection,
  checkpoint: checkpointSection,
  samplesLogged: integer(4, 0, 'Completions written to samples/ per step.'),
  offloadIdleTrainer: flagField(
    false,
    'Keep only the trained role’s optimizer state in memory; the other’s waits in the run folder.',
  ),
  offloadIdleRole: choice(
    'auto',
    ['auto', 'always', 'never'],
    'Put weights and optimizer state of the role that is not needed into host memory; auto: where the device cannot hold both.',
  ),
  ablation: ablationSection,
});

/** A fully resolved configuration: every key present. */
export type Config = z.output<typeof configSchema>;

/** What a caller may write: any part of it. */
export type ConfigInput = z.input<typeof configSchema>;

export type RoleConfig = Config['generator'] | Config['solver'];
export type SamplingConfig = Config['synthesis']['sampling'];
export type JudgeName = Config['generator']['judge']['by'];
