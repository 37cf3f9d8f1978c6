import { ConfigError } from '../binding/errors';

/**
 * Token sequences → the flat form of the native boundary: ids back to back and offsets [sequences + 1].
 * @throws ConfigError for an id that is not a non-negative 32-bit integer, naming its sequence and position.
 */
export function flattenSequences(
  sequences: readonly ArrayLike<number>[],
  what: string,
): { tokens: Int32Array; offsets: Int32Array } {
  const offsets = new Int32Array(sequences.length + 1);
  sequences.forEach((sequence, index) => (offsets[index + 1] = offsets[index]! + sequence.length));
  const tokens = new Int32Array(offsets[sequences.length]!);
  sequences.forEach((sequence, index) => {
    for (let position = 0; position < sequence.length; position++) {
      const id = sequence[position]!;
      if (!Number.isInteger(id) || id < 0 || id > 0x7fffffff) {
        throw new ConfigError(`${what}[${index}][${position}]: ${String(id)} is not a token id`, {
          index,
          position,
        });
      }
    }
    tokens.set(sequence, offsets[index]);
  });
  return { tokens, offsets };
}
