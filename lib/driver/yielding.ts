/** Longest stretch of JavaScript between two turns of the event loop, in milliseconds. */
const SLICE_MILLISECONDS = 5;

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

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
    results.push(value instanceof Promise ? await value : value);
    if (performance.now() > sliceEnd) {
      await nextTurn();
      sliceEnd = performance.now() + SLICE_MILLISECONDS;
    }
  }
  return results;
}
