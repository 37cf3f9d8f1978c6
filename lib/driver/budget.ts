import type { StopReason } from './events';

/** Decides, between two units of work, whether the run goes on. */
export class Budget {
  private readonly started = performance.now();

  constructor(
    private readonly limits: { maxSteps: number | null; maxMinutes: number | null; signal?: AbortSignal },
    /** Seconds and optimizer steps of the run before it was resumed. */
    private readonly before: { seconds: number; steps: number },
    public steps = before.steps,
  ) {}

  /** Wants the work under way to end. */
  get signal(): AbortSignal | undefined {
    return this.limits.signal;
  }

  /** Seconds of the whole run, earlier sittings included. */
  get seconds(): number {
    return this.before.seconds + (performance.now() - this.started) / 1000;
  }

  /** Why the run must stop now, if it must. An abort comes first: it wants no further work. */
  stopReason(): StopReason | undefined {
    const { maxSteps, maxMinutes, signal } = this.limits;
    if (signal?.aborted) return 'signal';
    if (maxSteps !== null && this.steps >= maxSteps) return 'max-steps';
    if (maxMinutes !== null && this.seconds >= maxMinutes * 60) return 'max-minutes';
    return undefined;
  }
}
