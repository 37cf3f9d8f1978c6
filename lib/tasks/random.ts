import { createHash } from 'node:crypto';

import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

import { CheckpointError, ConfigError } from '../binding/errors';

const STATE_PATTERN = /^[0-9a-f]{32}$/;

/**
 * A seeded source of random choices (xoroshiro128+). Its state is a short text, so a run that is resumed goes on with
 * the choices it would have made.
 */
export class Random {
  private constructor(private readonly generator: ReturnType<typeof xoroshiro128plusFromState>) {}

  /** The stream of a seed. Neighbouring seeds give unrelated streams: the seed is hashed. */
  static seeded(seed: number | string): Random {
    return Random.hashed(`seed:${seed}`);
  }

  /**
   * Goes on where `state()` was taken.
   * @throws CheckpointError when the text is not such a state
   */
  static from(state: string): Random {
    if (!STATE_PATTERN.test(state) || /^0+$/.test(state)) {
      throw new CheckpointError(`'${state}' is not the state of a random source: expected 32 hex digits`);
    }
    const words = state.match(/.{8}/g)!.map((word) => parseInt(word, 16) | 0);
    return new Random(xoroshiro128plusFromState(words));
  }

  private static hashed(text: string): Random {
    return Random.from(createHash('sha256').update(text).digest('hex').slice(0, 32));
  }

  /** 32 hex digits that `Random.from` goes on from. */
  state(): string {
    return this.generator
      .getState()
      .map((word) => (word >>> 0).toString(16).padStart(8, '0'))
      .join('');
  }

  /** An independent stream for one purpose. Depends on the present state and the label; leaves this stream as it is. */
  fork(label: string): Random {
    return Random.hashed(`fork:${this.state()}:${label}`);
  }

  /** Uniform in [0, 1), 53 bits. */
  next(): number {
    return uniformFloat64(this.generator);
  }

  /** Uniform integer from `low` to `high`, both included. */
  int(low: number, high: number): number {
    if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || high < low) {
      throw new RangeError(`int(${low}, ${high}) needs two integers in order`);
    }
    return uniformInt(this.generator, low, high);
  }

  /** One of the items, each as likely as another. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('pick() needs at least one item');
    return items[this.int(0, items.length - 1)]!;
  }

  /** A new array in random order (Fisher–Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.int(0, i);
      [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
    }
    return shuffled;
  }

  /**
   * One key of a table of weights, which need not add up to 1.
   * @throws ConfigError when no weight is above 0, or one is negative or not finite
   */
  weighted<Key extends string>(table: Readonly<Record<Key, number>>): Key {
    const entries = Object.entries<number>(table) as [Key, number][];
    const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
    if (!(total > 0) || !Number.isFinite(total) || entries.some(([, weight]) => weight < 0)) {
      throw new ConfigError(`weights must be finite, not negative and not all 0: ${JSON.stringify(table)}`);
    }
    let rest = this.next() * total;
    for (const [key, weight] of entries) {
      if (rest < weight) return key;
      rest -= weight;
    }
    // Rounding may leave a crumb after the last weight.
    return entries.findLast(([, weight]) => weight > 0)![0];
  }
}
