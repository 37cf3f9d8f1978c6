import type { Config } from '../config';
import type { Random } from '../tasks/random';

/** The tasks of one epoch in the order in which they are met, as indices. */
export type EpochOrder = (epoch: number) => readonly number[];

/**
 * The order in which a run meets `count` given tasks: shuffled anew in every epoch, each task once per epoch. Where a batch of `size` holds the
 * end of one epoch and the start of the next, the next one starts with tasks that are not in the batch already, as far as there are any.
 * @param random never drawn from, only forked: the order is the same wherever a run was resumed
 */
export function epochOrder(count: number, size: number, random: Random): EpochOrder {
  const orders: number[][] = [];
  const next = (epoch: number, before: readonly number[] | undefined): number[] => {
    const indices = Array.from({ length: count }, (_, index) => index);
    const shuffled = random.fork(`epoch ${epoch}`).shuffle(indices);
    const inBatch = (epoch * count) % size; // positions of the straddling batch that lie before this epoch
    if (before === undefined || inBatch === 0) return shuffled;
    const met = new Set(before.slice(Math.max(0, count - inBatch)));
    const fresh = shuffled.filter((index) => !met.has(index)).slice(0, size - inBatch);
    const first = new Set(fresh);
    return [...fresh, ...shuffled.filter((index) => !first.has(index))];
  };
  return (epoch) => {
    while (orders.length <= epoch) orders.push(next(orders.length, orders.at(-1)));
    return orders[epoch]!;
  };
}

/** The indices at positions `from` … `from + size - 1` of the epochs laid end to end. */
export function epochBatch(order: EpochOrder, count: number, from: number, size: number): number[] {
  return Array.from({ length: size }, (_, offset) => {
    const position = from + offset;
    return order(Math.floor(position / count))[position % count]!;
  });
}

/** `1,200 of 3,920 tasks are met (0.31 epochs)`: what a whole run sees of its given tasks. */
export function metText(
  { iterations, solver }: Pick<Config, 'iterations' | 'solver'>,
  tasks: number,
): string {
  const prompts = iterations * solver.steps * solver.promptsPerStep;
  const grouped = (value: number) => value.toLocaleString('en-US');
  const epochs = tasks > 0 ? (prompts / tasks).toFixed(2) : '0';
  return `${grouped(Math.min(prompts, tasks))} of ${grouped(tasks)} tasks are met (${epochs} epochs)`;
}
