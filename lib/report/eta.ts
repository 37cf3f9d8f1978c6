import { PHASES, type Phase, type RunEvent } from '../driver/events';

/** Estimates the time left from what phases took so far. */
export class Eta {
  private iterations = 0;
  private iteration = 0;
  private phase: Phase = 'prepare';
  private phaseStarted = 0;
  private share = 0;
  private readonly seconds = new Map<Phase, number[]>();

  constructor(private readonly now: () => number = () => performance.now() / 1000) {}

  event(event: RunEvent): void {
    if (event.type === 'start') this.iterations = event.iterations;
    if (event.type === 'phase') {
      this.iteration = event.iteration;
      this.phase = event.phase;
      if (event.state === 'start') {
        this.phaseStarted = this.now();
        this.share = 0;
      } else if (event.state === 'end') {
        this.seconds.set(event.phase, [...(this.seconds.get(event.phase) ?? []), event.seconds ?? 0]);
        this.share = 1;
      }
    }
    if (event.type === 'progress' && event.total > 0) this.share = event.done / event.total;
    if (event.type === 'step') this.share = event.step / event.total;
  }

  /** Share of the present phase that is done. */
  get phaseShare(): number {
    return this.share;
  }

  /** Seconds left in the present phase; undefined before anything is done. */
  phaseSeconds(): number | undefined {
    if (this.share <= 0) return undefined;
    const elapsed = this.now() - this.phaseStarted;
    return (elapsed / this.share) * (1 - this.share);
  }

  /** Seconds left in the run; undefined until one iteration has been seen. */
  runSeconds(): number | undefined {
    const phases = PHASES.filter((phase) => phase !== 'prepare');
    const current = phases.indexOf(this.phase as (typeof phases)[number]);
    const mean = (phase: Phase): number | undefined => {
      const values = this.seconds.get(phase);
      return values && values.reduce((sum, value) => sum + value, 0) / values.length;
    };
    const means = phases.map(mean);
    // A phase that is skipped every time never shows up: all that ran before counts as known.
    if (this.iteration < 2 && means.some((value, index) => value === undefined && index > current))
      return undefined;
    const here = this.phaseSeconds() ?? means[current] ?? 0;
    const later = means.slice(current + 1).reduce<number>((sum, value) => sum + (value ?? 0), 0);
    const perIteration = means.reduce<number>((sum, value) => sum + (value ?? 0), 0);
    return here + later + perIteration * Math.max(0, this.iterations - this.iteration);
  }
}
