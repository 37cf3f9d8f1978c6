import { isPending, nextTurn, SLICE_MILLISECONDS } from '../io/yielding';

/** What is made of a completion's text: its reward, say. `row` counts the completions of the batch. */
export type ReadCompletion<R> = (text: string, row: number) => R | Promise<R>;

/**
 * Decodes and reads completions as they end, while the policy goes on with the others. Reading yields to the event loop every few
 * milliseconds. Completions are read in the order in which they were added.
 */
export class CompletionReader<R> {
  readonly texts: string[];
  readonly readings: R[];
  private readonly queue: { row: number; tokens: ArrayLike<number> }[] = [];
  private readonly seen: Uint8Array;
  private working?: Promise<void>;
  private failure?: { error: unknown };

  constructor(
    private readonly total: number,
    private readonly decode: (tokens: ArrayLike<number>) => string,
    private readonly read: ReadCompletion<R>,
  ) {
    this.texts = new Array<string>(total);
    this.readings = new Array<R>(total);
    this.seen = new Uint8Array(total);
  }

  /** A completion has ended; a second word about the same row is ignored. */
  add(row: number, tokens: ArrayLike<number>): void {
    if (this.seen[row]) return;
    this.seen[row] = 1;
    this.queue.push({ row, tokens });
    this.working ??= this.work();
  }

  /** Reads what was never added, waits for the rest, and throws what a reading threw first. */
  async finish(tokensOf: (row: number) => ArrayLike<number>): Promise<void> {
    for (let row = 0; row < this.total; row++) if (!this.seen[row]) this.add(row, tokensOf(row));
    while (this.working) await this.working;
    if (this.failure) throw this.failure.error;
  }

  /** Nothing more is wanted: the rollout has failed. */
  abandon(): void {
    this.queue.length = 0;
  }

  private async work(): Promise<void> {
    await nextTurn(); // the caller is a callback of the native side
    let sliceEnd = performance.now() + SLICE_MILLISECONDS;
    for (let next = this.queue.shift(); next && !this.failure; next = this.queue.shift()) {
      try {
        const text = this.decode(next.tokens);
        this.texts[next.row] = text;
        const reading = this.read(text, next.row);
        this.readings[next.row] = isPending(reading) ? await reading : reading;
      } catch (error) {
        this.failure = { error };
      }
      if (performance.now() > sliceEnd) {
        await nextTurn();
        sliceEnd = performance.now() + SLICE_MILLISECONDS;
      }
    }
    this.working = undefined;
  }
}
