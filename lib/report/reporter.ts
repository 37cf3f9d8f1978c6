import type { RunEvent } from '../driver/events';

/** Shows a run to someone. */
export interface Reporter {
  event(event: RunEvent): void;
  /** Leaves the terminal as it should be; called once, also after a failure. */
  close(): void;
}

/** Anything text can be written to. */
export interface TextSink {
  write(text: string): unknown;
}

/** One JSON object per line: what `--json` prints. */
export class JsonReporter implements Reporter {
  constructor(private readonly out: TextSink) {}

  event(event: RunEvent): void {
    this.out.write(`${JSON.stringify(event)}\n`);
  }

  close(): void {}
}
