import { z } from 'zod';

import { LAYOUTS } from '../eval/benchmarks/layouts';
import { CANDIDATE_ORDERS } from '../eval/candidate-order';
import { choice, flagField, integer, real, realAbove } from './leaf';
import { samplingSection, trainingFields } from './training-section';

export const JUDGES = ['solver', 'consistency', 'lexical', 'none'] as const;

export const generatorSection = z
  .strictObject({
    ...trainingFields({ steps: 50, promptsPerStep: 6 }),
    controlSpecs: integer(
      2000,
      1,
      'Control specs drawn per iteration; steps take theirs from this pool in order.',
    ),
    reward: z
      .strictObject({
        formatWeight: real(1, 0, null, 'Weight of r_format.'),
        validityWeight: real(1, 0, null, 'Weight of r_validity.'),
        curriculumWeight: real(1, 0, null, 'Weight of r_curriculum.'),
        difficultyShare: real(0.5, 0, null, 'Weight of band(p) inside r_curriculum.'),
        coherenceShare: real(0.5, 0, null, 'Weight of the judge inside r_curriculum.'),
        specGate: choice(
          'curriculum',
          ['curriculum', 'total', 'off'],
          'What a task that misses its control spec loses: r_curriculum (and r_validity, if tool names repeat), everything, or nothing.',
        ),
        declaredArgumentsOnly: flagField(false, 'Arguments that a tool does not declare cost validity.'),
        requireFullValidity: flagField(
          false,
          'r_curriculum only for tasks whose r_validity is 1 (their probes are saved, too).',
        ),
        repetitionPenalty: real(0, 0, null, 'Weight of the repetition penalty; 0 is off, as published.'),
        band: z
          .strictObject({
            low: real(0.25, 0, 1, 'Lower end of the target difficulty band.'),
            high: real(0.75, 0, 1, 'Upper end of the target difficulty band.'),
            sigma: realAbove(0.12, 0, 'Width of the fall-off outside the band.'),
          })
          .prefault({}),
      })
      .prefault({}),
    probe: z
      .strictObject({
        samples: integer(8, 1, 'Solver samples per task (K).'),
        sampling: samplingSection({ temperature: 0.7, maxNewTokens: 2048 }),
      })
      .prefault({}),
    judge: z
      .strictObject({
        by: choice(
          'solver',
          JUDGES,
          'Who scores coherence: the Solver as a judge, agreement among probes, word overlap of tool names, or nobody.',
          { flag: true },
        ),
        sampling: samplingSection({ temperature: 0.1, maxNewTokens: 16 }),
      })
      .prefault({}),
  })
  .prefault({});

export const solverSection = z
  .strictObject({
    ...trainingFields({ steps: 50, promptsPerStep: 8 }),
    reward: z
      .strictObject({
        formatWeight: real(1, 0, null, 'Weight of r_format.'),
        accuracyWeight: real(1, 0, null, 'Weight of r_accuracy.'),
        requireThink: flagField(true, 'r_accuracy is 0 without a non-empty <think> block.'),
        strictName: flagField(
          false,
          'Multiply a call’s score by its name score: no credit for a wrong tool.',
        ),
      })
      .prefault({}),
  })
  .prefault({});

export const synthesisSection = z
  .strictObject({
    candidates: integer(10000, 1, 'Candidate tasks per iteration.', { flag: true }),
    batchSize: integer(256, 1, 'Candidates generated between two looks at Ctrl-C and the time limit.'),
    sampling: samplingSection({ temperature: 0.7, maxNewTokens: 4096 }),
    shuffleMenu: flagField(
      false,
      'Shuffle each tool menu (seeded by its content) before a Solver sees it: of generated tasks, and of given ones (tasks), whose files may list the wanted tool first.',
    ),
  })
  .prefault({});

const share = (value: number, what: string) => real(value, 0, 1, `Share of ${what} tasks in the curriculum.`);

export const curationSection = z
  .strictObject({
    validation: choice(
      'strict',
      ['strict', 'compact'],
      'Structural rules: all, or without descriptions and minimum lengths (compact prompts).',
    ),
    verify: z
      .strictObject({
        samples: integer(10, 1, 'Solver samples per task (k).'),
        sampling: samplingSection({ temperature: 0.7, maxNewTokens: 2048 }),
        batchSize: integer(64, 1, 'Tasks verified between two looks at Ctrl-C and the time limit.'),
      })
      .prefault({}),
    tau: real(0.2, 0, 1, 'Tasks the Solver gets right less often than this are dropped.', { flag: true }),
    tauHigh: real(1, 0, 1, 'Tasks the Solver gets right more often than this are dropped.', { flag: true }),
    tasks: integer(2000, 1, 'Tasks selected for the Solver per iteration.'),
    difficultyBy: choice(
      'judge',
      ['judge', 'agreement'],
      'Who labels easy/medium/hard: the Solver as a judge, or p̂.',
    ),
    judgeSampling: samplingSection({ temperature: 0, maxNewTokens: 16 }),
    shares: z
      .strictObject({ easy: share(0.2, 'easy'), medium: share(0.5, 'medium'), hard: share(0.3, 'hard') })
      .prefault({}),
    order: choice('easy-to-hard', ['easy-to-hard', 'shuffle'], 'Order in which the Solver meets its tasks.'),
    reuseProbes: flagField(
      true,
      'Take p̂ from the Generator’s probes where the same task was probed with the same settings.',
    ),
  })
  .prefault({});

export const evaluationSection = z
  .strictObject({
    tasks: integer(400, 1, 'Held-out tasks that are measured (all of them if there are fewer).', {
      flag: true,
    }),
    samples: integer(4, 1, 'Sampled answers per task (T = 1).'),
    sampling: samplingSection({ temperature: 1, maxNewTokens: 2048 }),
    bootstrap: integer(2000, 100, 'Resamples of tasks behind the interval of sampled accuracy.'),
    sliceCandidates: integer(
      1000,
      1,
      'Candidates the untrained Generator writes for a held-out slice when there is no evaluation file.',
    ),
    layout: choice('original', LAYOUTS, 'Layout the benchmarks are read in.'),
    candidates: choice(
      'published',
      CANDIDATE_ORDERS,
      'Order of a benchmark’s tools: as published, or shuffled (by record).',
    ),
    seed: integer(
      20260220,
      0,
      'Seed of the held-out tasks and their samples; not the run’s seed, so that runs are paired.',
    ),
  })
  .prefault({});

export const checkpointSection = z
  .strictObject({
    keep: integer(2, 1, 'Checkpoints kept.'),
    everySteps: integer(
      0,
      0,
      'Also save within a training stage, every so many steps; 0 saves between stages only.',
    ),
  })
  .prefault({});

export const ablationSection = z
  .strictObject({
    shuffleRewards: flagField(
      false,
      'Permute rewards across each batch: nothing can be learnt, for control runs.',
      { flag: true },
    ),
    frozenGenerator: flagField(false, 'Do not train the Generator.', { flag: true }),
    noDifficulty: flagField(false, 'Leave band(p) out of the Generator’s reward.', { flag: true }),
  })
  .prefault({});
