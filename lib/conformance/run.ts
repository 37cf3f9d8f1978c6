import * as fs from 'node:fs';

import { ConfigError } from '../binding/errors';
import { checkSectionA } from './section-a';
import { checkSectionB } from './section-b';
import { checkSectionC } from './section-c';
import { checkSectionD, type Tolerances } from './section-d';
import { checkSectionE, type ModelTolerances } from './section-e';
import { checkSectionF } from './section-f';
import type { FileResult } from './types';

export const SECTIONS = ['A', 'B', 'C', 'D', 'E', 'F'] as const;
export type Section = (typeof SECTIONS)[number];

export interface ConformanceOptions {
  /** Sections to check; default all. */
  only?: readonly string[];
  /** Where the native parts (D, E) compute. Default cpu. */
  device?: 'cpu' | 'cuda';
  /** Called as each file is done. */
  onFile?: (result: FileResult) => void;
}

export interface ConformanceReport {
  files: FileResult[];
  passed: number;
  failed: number;
  departed: number;
  skipped: number;
}

/** The vectors' README for the CPU; what fp32 on a GPU can hold to for CUDA. */
const TOLERANCES: Record<'cpu' | 'cuda', { maths: Tolerances; model: ModelTolerances }> = {
  cpu: {
    maths: { exact: 1e-10, float32Path: 1e-6 },
    model: { logprobs: 1e-4, loss: 1e-5, norms: 1e-4, entries: 2e-6 },
  },
  cuda: {
    maths: { exact: 1e-5, float32Path: 1e-5 },
    model: { logprobs: 1e-3, loss: 1e-3, norms: 1e-3, entries: 1e-3 },
  },
};

/**
 * Evaluates a folder of oracle vectors through the public code paths, with all `published` switches on (value grounding: as intended).
 * @throws ConfigError when `dir` is no folder, holds no vectors, or `only` names no section
 */
export async function runConformance(
  dir: string,
  options: ConformanceOptions = {},
): Promise<ConformanceReport> {
  const { device = 'cpu', onFile } = options;
  const only = (options.only ?? SECTIONS).map((section) => section.trim().toUpperCase());
  const unknown = only.find((section) => !SECTIONS.includes(section as Section));
  if (unknown !== undefined)
    throw new ConfigError(`--only: no section '${unknown}'. Sections: ${SECTIONS.join(', ')}`);
  if (!fs.existsSync(dir) || !fs.statSync(dir).isDirectory())
    throw new ConfigError(`--vectors: no folder at '${dir}'`);
  const { maths, model } = TOLERANCES[device];
  const checks: Record<Section, () => Promise<FileResult[]>> = {
    A: () => checkSectionA(dir),
    B: () => checkSectionB(dir),
    C: () => checkSectionC(dir),
    D: () => checkSectionD(dir, { device, tolerances: maths }),
    E: () => checkSectionE(dir, { device, tolerances: model }),
    F: () => checkSectionF(dir),
  };
  const report: ConformanceReport = { files: [], passed: 0, failed: 0, departed: 0, skipped: 0 };
  for (const section of SECTIONS.filter((name) => only.includes(name))) {
    for (const result of await checks[section]()) {
      report.files.push(result);
      for (const count of ['passed', 'failed', 'departed', 'skipped'] as const)
        report[count] += result[count];
      onFile?.(result);
    }
  }
  if (report.passed + report.failed + report.departed === 0) {
    throw new ConfigError(`--vectors: '${dir}' holds no vectors for section ${only.join(', ')}`);
  }
  return report;
}
