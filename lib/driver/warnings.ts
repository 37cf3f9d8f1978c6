import type { Config, TrainConfig } from '../config';
import { isPlainObject } from '../config/merge';
import type { WarningEvent } from './events';
import type { TrainHooks } from './hooks';
import { rolesOf } from './roles';

/** Hooks and settings of what a run on given tasks does not have: a Generator, and a second role to make room for. */
const HOOKS = ['generatorReward', 'judge', 'validate', 'verify', 'select'] as const;
const SETTINGS =
  /^(spec|generator|synthesis|curation)\.|^ablation\.(frozenGenerator|noDifficulty)$|^offloadIdle(Trainer|Role)$/;
/** Given menus are shuffled, too. */
const STILL_USED = /^synthesis\.shuffleMenu$/;
/** Published behaviour of the Solver's own training. */
const PUBLISHED_USED: readonly string[] = ['threeSolverPrompts', 'ellipsisVoidsParse'];

function paths(value: unknown, path = ''): string[] {
  if (!isPlainObject(value)) return value === undefined ? [] : [path];
  return Object.entries(value).flatMap(([key, inner]) => paths(inner, path === '' ? key : `${path}.${key}`));
}

/**
 * What the caller asked of a run on given tasks that only self-play has.
 * @param input what was set, without the preset: a setting nobody made needs no word
 */
function withoutEffect(config: Config, input: TrainConfig, hooks: TrainHooks): WarningEvent[] {
  if (config.tasks === null) return [];
  const names = [
    ...HOOKS.filter((name) => hooks[name] !== undefined).map((name) => `hooks.${name}`),
    ...paths(input).filter((path) => SETTINGS.test(path) && !STILL_USED.test(path)),
    ...(input.published === undefined ? [] : config.published)
      .filter((row) => !PUBLISHED_USED.includes(row))
      .map((row) => `published.${row}`),
  ];
  if (names.length === 0) return [];
  const verb = names.length === 1 ? 'has' : 'have';
  const message = `${names.join(', ')} ${verb} no effect: this run trains on given tasks, without a Generator`;
  return [{ type: 'warning', code: 'no-effect', message }];
}

/** More steps than this are more work than one wants to do again. */
const MANY_STEPS = 100;

/** A long stage that a crash would take back to its start. */
function unsavedStages(config: Config): WarningEvent[] {
  if (config.checkpoint.everySteps > 0) return [];
  const longest = Math.max(...rolesOf(config).map((role) => config[role].steps));
  if (longest <= MANY_STEPS) return [];
  const message =
    `nothing is saved within a stage of ${longest} steps, and a crash would take it back to its start ` +
    '(Ctrl-C saves): --set checkpoint.everySteps=50';
  return [{ type: 'warning', code: 'unsaved-stage', message }];
}

/** What a caller should know about a configuration that can be run. */
export const warningsOf = (config: Config, input: TrainConfig, hooks: TrainHooks): WarningEvent[] => [
  ...withoutEffect(config, input, hooks),
  ...unsavedStages(config),
];
