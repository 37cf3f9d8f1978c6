/** Longest stretch of JavaScript between two turns of the event loop, in milliseconds. */
export const SLICE_MILLISECONDS = 5;

export const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Any promise, a caller's own kind and one of another realm included. */
export const isPending = <T>(value: T | PromiseLike<T>): value is PromiseLike<T> =>
  typeof (value as PromiseLike<T> | null | undefined)?.then === 'function';

/**
 * `items.map(fn)` that lets the event loop turn every few milliseconds: decoding and scoring thousands of completions must not stop
 * timers, sockets or a progress display.
 */
export async function mapYielding<T, R>(
  items: readonly T[],
  fn: (item: T, index: number) => R | Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let sliceEnd = performance.now() + SLICE_MILLISECONDS;
  for (let index = 0; index < items.length; index++) {
    const value = fn(items[index]!, index);
    results.push(isPending(value) ? await value : value);
    if (performance.now() > sliceEnd) {
      await nextTurn();
      sliceEnd = performance.now() + SLICE_MILLISECONDS;
    }
  }
  return results;
}
