import type { Config, TrainConfig } from '../config';
import { isPlainObject } from '../config/merge';
import type { TrainHooks } from './hooks';

/** Hooks and settings of what a run on given tasks does not have: a Generator, and a second role to make room for. */
const HOOKS = ['generatorReward', 'judge', 'validate', 'verify', 'select'] as const;
const SETTINGS =
  /^(spec|generator|synthesis|curation)\.|^ablation\.(frozenGenerator|noDifficulty)$|^offloadIdle(Trainer|Role)$/;
/** Given menus are shuffled, too. */
const STILL_USED = /^synthesis\.shuffleMenu$/;

function paths(value: unknown, path = ''): string[] {
  if (!isPlainObject(value)) return value === undefined ? [] : [path];
  return Object.entries(value).flatMap(([key, inner]) => paths(inner, path === '' ? key : `${path}.${key}`));
}

/**
 * What the caller asked of a run on given tasks that only self-play has, as one sentence.
 * @param input what was set, without the preset: a setting nobody made needs no word
 */
export function withoutEffect(
  { tasks }: Pick<Config, 'tasks'>,
  input: TrainConfig,
  hooks: TrainHooks,
): string | undefined {
  if (tasks === null) return undefined;
  const names = [
    ...HOOKS.filter((name) => hooks[name] !== undefined).map((name) => `hooks.${name}`),
    ...paths(input).filter((path) => SETTINGS.test(path) && !STILL_USED.test(path)),
  ];
  if (names.length === 0) return undefined;
  const verb = names.length === 1 ? 'has' : 'have';
  return `${names.join(', ')} ${verb} no effect: this run trains on given tasks, without a Generator`;
}
