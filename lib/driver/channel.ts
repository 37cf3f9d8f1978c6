/** Hands events from the run to whoever iterates over it. Events wait until they are taken. */
export class Channel<T> implements AsyncIterable<T> {
  private readonly waiting: T[] = [];
  private wake: (() => void) | undefined;
  private ended = false;
  private failure: { error: unknown } | undefined;

  /** @param replaceable an event that the next one of its kind makes worthless: only the last unread one is kept */
  constructor(private readonly replaceable: (item: T) => boolean = () => false) {}

  push(item: T): void {
    const last = this.waiting.at(-1);
    if (last !== undefined && this.replaceable(item) && this.replaceable(last)) this.waiting.pop();
    this.waiting.push(item);
    this.wake?.();
  }

  end(failure?: { error: unknown }): void {
    this.ended = true;
    this.failure = failure;
    this.wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (;;) {
      while (this.waiting.length > 0) yield this.waiting.shift()!;
      if (this.ended) {
        if (this.failure) throw this.failure.error;
        return;
      }
      await new Promise<void>((resolve) => (this.wake = resolve));
      this.wake = undefined;
    }
  }
}
