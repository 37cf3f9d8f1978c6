import { UsageError } from '../errors';

/** What `eval` can be asked to do: the flag that asks for it, and the flags that mean something then. */
const SETS = ['benchmark', 'data', 'layout'];
const SCORING = [...SETS, 'limit', 'pass-at', 'base-model', 'out', 'html'];
const MEANT = {
  list: ['data', 'layout'],
  compare: [],
  contamination: SETS,
  predictions: SCORING,
  model: [
    ...SCORING,
    'prompt',
    'candidates',
    'temperature',
    'top-p',
    'seeds',
    'seed',
    'max-new-tokens',
    'batch',
    'device',
    'dtype',
  ],
} as const satisfies Record<string, readonly string[]>;

export type EvalMode = keyof typeof MEANT;

const MODES = Object.keys(MEANT) as EvalMode[];
/** With a model everything means something. */
const FLAGS: readonly string[] = MEANT.model;

/**
 * What is asked for.
 * @param given flags as the user typed them, without any default
 * @throws UsageError when nothing or two things are asked for, or a flag was given that means nothing then
 */
export function modeOf(given: Readonly<Record<string, unknown>>): EvalMode {
  const isGiven = (flag: string) => given[flag] !== undefined && given[flag] !== false;
  const [mode, ...others] = MODES.filter(isGiven);
  if (mode === undefined)
    throw new UsageError(
      'eval: which model? --model DIR, or --predictions FILE, --compare A,B, --contamination RUN_OR_FILE, --list',
    );
  if (others.length > 0)
    throw new UsageError(`${[mode, ...others].map((name) => `--${name}`).join(' and ')}: give one of them`);
  const meant: readonly string[] = MEANT[mode];
  const senseless = FLAGS.filter((flag) => isGiven(flag) && !meant.includes(flag));
  if (senseless.length > 0) {
    const verb = senseless.length === 1 ? 'has' : 'have';
    throw new UsageError(
      `${senseless.map((flag) => `--${flag}`).join(', ')} ${verb} no meaning with --${mode}`,
    );
  }
  return mode;
}
