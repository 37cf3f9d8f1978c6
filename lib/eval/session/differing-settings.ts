import { ResultsFolder, type Settings } from './results-folder';

/** Settings that make one exam another. Batch and seeds are left out: they change answers, but not what is asked. */
const COMPARED = [
  'dtype',
  'layout',
  'limit',
  'prompt',
  'candidates',
  'samples',
  'temperature',
  'topP',
  'maxNewTokens',
] as const;

/** By setting, its value in A and in B. */
export type DifferingSettings = Record<string, [a: unknown, b: unknown]>;

/**
 * In what two folders made by `eval --out` were not the same exam. Settings that only one of them has (a file of predictions has no temperature)
 * are not compared.
 * @throws CheckpointError
 */
export function differingSettings(dirA: string, dirB: string): DifferingSettings {
  const [a, b] = [dirA, dirB].map((dir) => ResultsFolder.existing(dir).settings()) as [Settings, Settings];
  return Object.fromEntries(
    COMPARED.filter((name) => name in a && name in b)
      .filter((name) => JSON.stringify(a[name]) !== JSON.stringify(b[name]))
      .map((name) => [name, [a[name], b[name]]]),
  );
}

const shown = (value: unknown): string =>
  typeof value === 'string' ? value : value === null ? 'none' : JSON.stringify(value);

/** `settings that differ: temperature 0 / 1, limit none / 50`; nothing where none does. */
export function differingSettingsText(differs: DifferingSettings): string | undefined {
  const words = Object.entries(differs).map(([name, [a, b]]) => `${name} ${shown(a)} / ${shown(b)}`);
  return words.length === 0 ? undefined : `settings that differ (A / B): ${words.join(', ')}`;
}
