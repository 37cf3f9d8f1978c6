/** What `eval` does, from opened sets to a written report. */
import * as path from 'node:path';

import { ConfigError } from '../../binding/errors';
import { writeAtomic } from '../../io/files';
import { mapYielding } from '../../io/yielding';
import { Policy, type PolicyOptions } from '../../policy/policy';
import { defaultMaxNewTokens, type EvaluationPolicy } from '../evaluate';
import type { Layout } from '../benchmarks/layouts';
import { PUBLISHED_MODELS, publishedOfShape, type PublishedModel } from '../published-results';
import { reportHtml } from '../report/html';
import { fileFingerprint, recordsFingerprint } from './data-fingerprint';
import type { OpenedBenchmarks } from './open-benchmarks';
import { readPredictions, scorePredictions } from './predictions';
import { paperMean, reportSet, type EvaluatedSet, type EvaluationReport } from './report';
import { ResultsFolder, SUMMARY_FILE, type Settings } from './results-folder';
import { DEFAULT_BATCH, limitRecords, modelFingerprint, runSession, type SessionOptions } from './run';

export interface Evaluated {
  report: EvaluationReport;
  sets: EvaluatedSet[];
}

interface Outputs {
  layout: Layout;
  passAt?: readonly number[];
  /** Name of a model of the paper. */
  baseModel?: string;
  /** Folder of results, summary and report. */
  out?: string;
  /** File of the HTML report. */
  html?: string;
  /** Gets the report before anything is made of it on disk, so that a disk that refuses does not cost it. */
  onReport?: (report: EvaluationReport) => void;
}

export interface ModelEvaluation extends Omit<SessionOptions, 'folder'>, Outputs, PolicyOptions {
  model: string;
}

/** Puts a model to the sets. @throws as Policy.load, evaluate, ResultsFolder.open */
export async function evaluateModel(opened: OpenedBenchmarks, options: ModelEvaluation): Promise<Evaluated> {
  const { model, device, dtype, out, ...rest } = options;
  const policy = await Policy.load(model, { ...(device ? { device } : {}), ...(dtype ? { dtype } : {}) });
  try {
    checkAnswerLength(rest.maxNewTokens, policy.info.maxPositionEmbeddings);
    return await evaluatePolicy(policy, opened, {
      ...rest,
      subject: model,
      identity: { model: modelFingerprint(model) },
      ...(out === undefined ? {} : { openFolder: (settings) => ResultsFolder.open(out, settings) }),
    });
  } finally {
    await policy.dispose();
  }
}

function checkAnswerLength(maxNewTokens = 0, context: number): void {
  if (maxNewTokens < context) return;
  throw new ConfigError(
    `--max-new-tokens ${maxNewTokens}: leaves no room for a prompt, the model’s context is ${context} tokens in all`,
    { maxNewTokens, context },
  );
}

/** A loaded policy; the sizes tell whether it has the shape of a model of the paper. */
export type LoadedPolicy = EvaluationPolicy & {
  readonly info: Partial<PublishedModel['shape']> & { readonly dtype: string };
};

export interface PolicyEvaluation extends Omit<SessionOptions, 'folder'>, Omit<Outputs, 'out'> {
  /** What is evaluated, for people. */
  subject: string;
  /** Settings that tell its weights from others. */
  identity: Settings;
  /** Where the answers are kept, once the settings that decide them are known. */
  openFolder?: (settings: Settings) => Promise<ResultsFolder>;
}

/** Puts a policy in memory to the sets, greedy unless told otherwise, and writes summary and report. @throws as runSession */
export async function evaluatePolicy(
  policy: LoadedPolicy,
  opened: OpenedBenchmarks,
  options: PolicyEvaluation,
): Promise<Evaluated> {
  const {
    subject,
    identity,
    openFolder,
    layout,
    passAt = [],
    baseModel,
    html,
    onReport,
    ...session
  } = options;
  const settings: Settings = {
    ...identity,
    dtype: policy.info.dtype,
    layout,
    limit: session.limit ?? null,
    prompt: session.style ?? 'tool-r0',
    candidates: session.candidates ?? 'published',
    samples: session.samples ?? 1,
    temperature: session.temperature ?? 0,
    topP: session.topP ?? 1,
    maxNewTokens: session.maxNewTokens ?? defaultMaxNewTokens(policy.info.maxPositionEmbeddings),
    batch: session.batch ?? DEFAULT_BATCH,
    data: Object.fromEntries(
      opened.benchmarks.map(({ name, records }) => [
        name,
        recordsFingerprint(limitRecords(records, session.limit)),
      ]),
    ),
  };
  const folder = await openFolder?.(settings);
  const { sets, generatedTokens, seconds } = await runSession(policy, opened.benchmarks, {
    ...session,
    ...(folder ? { folder } : {}),
  });
  const tokensPerSecond = seconds > 0 ? generatedTokens / seconds : 0;
  return finish(opened, sets, folder, {
    subject,
    settings,
    passAt,
    published: baseModel ? publishedNamed(baseModel) : (publishedOfShape(policy.info) ?? null),
    speed: seconds > 0 ? { generatedTokens, seconds, tokensPerSecond } : null,
    ...(html === undefined ? {} : { html }),
    ...(onReport ? { onReport } : {}),
  });
}

export interface PredictionEvaluation extends Outputs {
  file: string;
  limit?: number;
  /** Whether the sets were asked for by name: one that the file has no answer to is then wrong throughout, else left out. */
  named: boolean;
}

/** Scores a file of another system's answers. @throws ConfigError, IoError */
export async function evaluatePredictions(
  opened: OpenedBenchmarks,
  { file, limit, named, layout, passAt = [], baseModel, out, html, onReport }: PredictionEvaluation,
): Promise<Evaluated> {
  const predictions = readPredictions(file);
  const most = Math.max(1, ...passAt);
  const short = [...predictions.rows].find(([, rows]) => rows.length < most);
  if (short) {
    throw new ConfigError(
      `--pass-at ${most}: needs ${most} answers to each record, but ${file} has ${short[1].length} to '${short[0]}'`,
      { file, id: short[0] },
    );
  }
  const sets = opened.benchmarks.flatMap((benchmark): EvaluatedSet[] => {
    const records = limitRecords(benchmark.records, limit);
    const { results, missing } = scorePredictions(records, predictions);
    if (!named && missing === records.length) return [];
    return [{ benchmark, records, runs: [results], tooLong: 0, withoutPrediction: missing }];
  });
  if (
    sets.length === 0 ||
    sets.every(({ records, withoutPrediction }) => withoutPrediction === records.length)
  ) {
    throw new ConfigError(
      `${file}: none of its ids belongs to ${opened.benchmarks.map(({ title }) => title).join(', ')}`,
      { file },
    );
  }
  const settings: Settings = {
    predictions: path.basename(file),
    layout,
    limit: limit ?? null,
    predictionsHash: fileFingerprint(file),
    data: Object.fromEntries(
      sets.map(({ benchmark, records }) => [benchmark.name, recordsFingerprint(records)]),
    ),
  };
  const folder = out === undefined ? undefined : await ResultsFolder.open(out, settings);
  for (const { benchmark, runs } of sets) {
    if (folder === undefined) break;
    const done = new Set(folder.resume(benchmark.name, 0).results.map(({ id }) => id));
    const results = runs[0]!.filter(({ id }) => !done.has(id));
    await folder.append(benchmark.name, 0, { results, tooLong: [] });
  }
  const known = new Set(opened.benchmarks.flatMap(({ records }) => records.map(({ id }) => id)));
  return finish(opened, sets, folder, {
    subject: file,
    settings,
    passAt,
    published: baseModel ? publishedNamed(baseModel) : null,
    malformedPredictions: predictions.problems,
    unknownPredictions: [...predictions.rows.keys()].filter((id) => !known.has(id)).length,
    speed: null,
    ...(html === undefined ? {} : { html }),
    ...(onReport ? { onReport } : {}),
  });
}

const publishedNamed = (name: string): PublishedModel | null =>
  PUBLISHED_MODELS.find((model) => model.name === name) ?? null;

type Facts = Pick<
  EvaluationReport,
  'subject' | 'settings' | 'published' | 'speed' | 'malformedPredictions' | 'unknownPredictions'
> & {
  passAt: readonly number[];
} & Pick<Outputs, 'html' | 'onReport'>;

async function finish(
  { missing }: OpenedBenchmarks,
  sets: EvaluatedSet[],
  folder: ResultsFolder | undefined,
  { passAt, html, onReport, ...facts }: Facts,
): Promise<Evaluated> {
  const { subject, ...rest } = facts;
  const reports = await mapYielding(sets, (set) => [set.benchmark.name, reportSet(set, passAt, 0)] as const);
  const report: EvaluationReport = {
    subject,
    mean: paperMean(sets, 0),
    sets: Object.fromEntries(reports),
    missing,
    ...rest,
  };
  onReport?.(report);
  if (folder || html !== undefined) {
    const page = reportHtml(report, sets);
    if (html !== undefined) await writeAtomic(html, [page]);
    await folder?.write('report.html', page);
    await folder?.write(SUMMARY_FILE, `${JSON.stringify(report, null, 2)}\n`);
  }
  return { report, sets };
}
