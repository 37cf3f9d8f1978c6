import type { RunEvent } from '../driver/events';
import { Eta } from './eta';
import { duration } from './format';
import { lineOf } from './lines';
import type { Reporter, TextSink } from './reporter';

/** A quiet stretch longer than this gets a sign of life. */
const SILENCE_SECONDS = 30;

/** One line per event, for logs, pipes and CI. */
export class PlainReporter implements Reporter {
  private iterations = 0;
  private lastLine: number;
  private readonly eta: Eta;

  constructor(
    private readonly out: TextSink,
    private readonly now: () => number = () => performance.now() / 1000,
  ) {
    this.lastLine = now();
    this.eta = new Eta(now);
  }

  event(event: RunEvent): void {
    this.eta.event(event);
    if (event.type === 'start') this.iterations = event.iterations;
    if (event.type === 'progress') {
      if (this.now() - this.lastLine < SILENCE_SECONDS) return;
      const left = this.eta.phaseSeconds();
      this.line(
        `  … ${event.activity} ${Math.floor(event.done)}/${event.total}${left === undefined ? '' : `, ${duration(left)} left`}`,
      );
      return;
    }
    const line = lineOf(event, this.iterations);
    if (line === undefined) return;
    const left = event.type === 'phase' ? this.eta.runSeconds() : undefined;
    this.line(left === undefined ? line : `${line} · about ${duration(left)} left in the run`);
  }

  close(): void {}

  private line(text: string): void {
    this.lastLine = this.now();
    this.out.write(`${text}\n`);
  }
}
