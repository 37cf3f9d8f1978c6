import { UsageError } from './errors';

/** `2` → `twice`. */
export const timesWord = (times: number): string => (times === 2 ? 'twice' : `${times} times`);

/**
 * Refuses flags that take one value and were given several, or an empty one. yargs gathers the values of a flag given twice in a list.
 * @param flags as typed, without `--`
 * @throws UsageError
 */
export function checkGivenOnce(args: Readonly<Record<string, unknown>>, flags: readonly string[]): void {
  for (const flag of flags) {
    const given = args[flag];
    if (Array.isArray(given)) throw new UsageError(`--${flag} is given ${timesWord(given.length)}`);
    if (typeof given === 'string' && given.trim() === '') throw new UsageError(`--${flag}: is empty`);
  }
}
