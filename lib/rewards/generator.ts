import { toParsedCall } from '../roles/calls';
import { UNREADABLE_JUDGE_SCORE, coherenceOfScore } from '../roles/judge-reader';
import type { ControlSpec, ToolCall } from '../tasks/task';
import { difficultyBand, type Band } from './band';
import { lexicalCoherence } from './coherence';
import {
  assessGeneratorCompletion,
  type AssessmentOptions,
  type GeneratorAssessment,
} from './generator-assessment';
import { consistency, passRate, readSolverSample, type ProbeOptions, type SolverSample } from './probe';

/** Who scores coherence: the Solver as a judge, agreement among its samples, word overlap of tool names, or nobody. */
export type Judge = 'solver' | 'consistency' | 'lexical' | 'none';

export interface GeneratorRewardOptions extends AssessmentOptions, ProbeOptions {
  /** Default 1, 1, 1; consistency and repetition, which the published code defines and does not use, default 0. */
  weights?: {
    format?: number;
    validity?: number;
    curriculum?: number;
    consistency?: number;
    repetition?: number;
  };
  /** Parts of r_curriculum. Default 0.5 and 0.5. Without a judge ('none') the difficulty takes both. */
  curriculumShares?: { difficulty?: number; coherence?: number };
  band?: Band;
  /** Default 'solver'. */
  judge?: Judge;
}

/** What is known about one completion. */
export interface GeneratorRewardContext extends GeneratorRewardOptions {
  /** The control spec the completion was asked for. */
  spec?: ControlSpec;
  /** K Solver samples on the task's prompt: their text, or their calls (null = unreadable), or p̂ itself. */
  solverCompletions?: readonly string[];
  solverCalls?: readonly (readonly ToolCall[] | null)[];
  passRate?: number;
  /** The judge's score, 1–5; an unreadable judge scores 3. */
  judgeScore?: number;
  /** Coherence from 0 to 1 as the caller sees it, in place of any judge. */
  coherence?: number;
  /** This completion's share of `repetitionPenalties`, from −0.2 to 0. */
  repetitionPenalty?: number;
  /** What `assessGeneratorCompletion` said of the same completion, to spare reading it again. */
  assessment?: GeneratorAssessment;
}

export interface GeneratorReward {
  /** The weighted sum. */
  total: number;
  /** r_format, r_validity and r_curriculum: from 0 to 1, after the gate. */
  format: number;
  validity: number;
  curriculum: number;
  gate: 0 | 1;
  /** Before the gate. */
  parts: GeneratorAssessment['parts'] & {
    difficulty: number;
    coherence: number;
    consistency: number;
    repetition: number;
  };
  /** p̂, or null where nothing was probed. */
  passRate: number | null;
  mismatches: GeneratorAssessment['mismatches'];
  reason?: GeneratorAssessment['reason'];
}

/**
 * The Generator's reward for one completion: r_format + r_validity + r_curriculum. Pure; never throws, whatever the
 * text.
 * @see TOOL-R0 (arXiv 2602.21320), "Generator reward"
 */
export function generatorReward(completion: string, context: GeneratorRewardContext = {}): GeneratorReward {
  const assessment = context.assessment ?? assessGeneratorCompletion(completion, context.spec, context);
  const probe = readProbe(assessment, context);
  const difficulty =
    probe.passRate === null
      ? 0
      : difficultyBand(probe.passRate, {
          ...(probe.count > 0 ? { samples: probe.count } : {}),
          ...context.band,
        });
  const coherence = coherenceOf(assessment, probe.consistency, context);
  const curriculum = assessment.worthProbing ? weighCurriculum(difficulty, coherence, context) : 0;
  const repetition = context.repetitionPenalty ?? 0;
  const { format, validity, gate, parts, mismatches, reason } = assessment;
  const weights = context.weights ?? {};
  const total =
    (weights.format ?? 1) * format +
    (weights.validity ?? 1) * validity +
    (weights.curriculum ?? 1) * curriculum +
    (weights.consistency ?? 0) * gate * probe.consistency +
    (weights.repetition ?? 0) * repetition;
  return {
    total,
    format,
    validity,
    curriculum,
    gate,
    parts: { ...parts, difficulty, coherence, consistency: probe.consistency, repetition },
    passRate: probe.passRate,
    mismatches,
    ...(reason === undefined ? {} : { reason }),
  };
}

interface Probe {
  passRate: number | null;
  consistency: number;
  /** Samples looked at; 0 where p̂ was given. */
  count: number;
}

function readProbe({ task, gold }: GeneratorAssessment, context: GeneratorRewardContext): Probe {
  if (task === null || gold === null) return { passRate: null, consistency: 0, count: 0 };
  const samples = readSamples(context);
  if (samples === null) return { passRate: context.passRate ?? null, consistency: 0, count: 0 };
  return {
    passRate: context.passRate ?? passRate(samples, gold, context),
    consistency: consistency(samples, context),
    count: samples.length,
  };
}

function readSamples(context: GeneratorRewardContext): SolverSample[] | null {
  if (context.solverCompletions) {
    return context.solverCompletions.map((text) => readSolverSample(text, context));
  }
  return context.solverCalls?.map((calls) => calls && calls.map(toParsedCall)) ?? null;
}

function coherenceOf(
  { task }: GeneratorAssessment,
  agreement: number,
  context: GeneratorRewardContext,
): number {
  if (task === null) return 0;
  if (context.coherence !== undefined) return Math.min(1, Math.max(0, context.coherence));
  switch (context.judge ?? 'solver') {
    case 'solver':
      return coherenceOfScore(context.judgeScore ?? UNREADABLE_JUDGE_SCORE);
    case 'consistency':
      return agreement;
    case 'lexical':
      return lexicalCoherence(task.question, task.tools, task.gold);
    case 'none':
      return 0;
  }
}

function weighCurriculum(difficulty: number, coherence: number, context: GeneratorRewardContext): number {
  const { difficulty: difficultyShare = 0.5, coherence: coherenceShare = 0.5 } =
    context.curriculumShares ?? {};
  if (context.judge === 'none' && context.coherence === undefined) {
    return (difficultyShare + coherenceShare) * difficulty;
  }
  return difficultyShare * difficulty + coherenceShare * coherence;
}
