import pc from 'picocolors';

import type { CurationEvent, EventOf, RunEvent, StepEvent } from '../driver/events';
import { Eta } from './eta';
import { bytes, count, duration, percent, progressBar, sparkline } from './format';
import { curationLine, measurementLine, phaseName, rewardParts, startLine } from './lines';
import type { Reporter } from './reporter';
import { benchmarkLine, tasksLine } from './set-lines';

/** A terminal: text goes in, its width comes out. */
export interface Terminal {
  write(text: string): unknown;
  columns?: number;
}

const REDRAW_MILLISECONDS = 100;
// eslint-disable-next-line no-control-regex
const ESCAPES = /\u001b\[[0-9;]*m/g;

/** Cuts a coloured line to the terminal's width: a wrapped line could not be drawn over. */
export function fit(line: string, width: number): string {
  if (line.replace(ESCAPES, '').length <= width) return line;
  let visible = 0;
  let out = '';
  for (let index = 0; index < line.length && visible < width - 1;) {
    ESCAPES.lastIndex = index;
    const escape = ESCAPES.exec(line);
    if (escape?.index === index) {
      out += escape[0];
      index += escape[0].length;
    } else {
      out += line[index++];
      visible++;
    }
  }
  return `${out}…${pc.reset('')}`;
}

/** A few lines at the foot of the terminal that are drawn over, with finished results scrolling above them. */
export class LiveReporter implements Reporter {
  private iterations = 0;
  private phase: EventOf<'phase'> | undefined;
  private activity = '';
  private step: StepEvent | undefined;
  private valid: number | undefined;
  private histogram: CurationEvent['histogram'] | undefined;
  private drawnLines = 0;
  private lastDraw = -Infinity;
  private readonly eta = new Eta();

  constructor(private readonly terminal: Terminal) {}

  event(event: RunEvent): void {
    this.eta.event(event);
    switch (event.type) {
      case 'start':
        this.iterations = event.iterations;
        return this.above(pc.bold(startLine(event)));
      case 'held-out':
        return this.above(pc.dim(`  ${event.note}`));
      case 'tasks':
        return this.above(pc.dim(tasksLine(event)));
      case 'benchmark':
        return this.above(pc.green(benchmarkLine(event)));
      case 'warning':
        return this.above(pc.yellow(`warning: ${event.message}`));
      case 'curation':
        this.histogram = event.histogram;
        return this.above(curationLine(event));
      case 'eval':
        return this.above(pc.green(measurementLine(event)));
      case 'phase':
        if (event.state === 'end') return this.phaseEnd(event);
        this.phase = event;
        this.activity = '';
        this.step = undefined;
        return this.draw(true);
      case 'step':
        this.step = event;
        if (event.histogram) this.histogram = event.histogram;
        this.valid = event.metrics['toolr0/valid_task_rate'] ?? this.valid;
        return this.draw(true);
      case 'progress':
        this.activity = event.activity;
        return this.draw(false);
      case 'synthesis':
      case 'checkpoint':
      case 'result':
        return;
    }
  }

  close(): void {
    this.erase();
  }

  private phaseEnd(event: EventOf<'phase'>): void {
    if (event.iteration === 0 || event.phase === 'measure' || event.phase === 'curation') return;
    const reward = this.step
      ? `, reward ${this.step.metrics['reward']!.toFixed(3)} (${rewardParts(this.step.metrics)})`
      : '';
    this.above(
      `iteration ${event.iteration}/${this.iterations} · ${phaseName(event.phase)} ${pc.dim(`${duration(event.seconds ?? 0)}${reward}`)}`,
    );
  }

  private above(line: string): void {
    this.erase();
    this.terminal.write(`${line}\n`);
    this.draw(true);
  }

  private erase(): void {
    if (this.drawnLines > 0) this.terminal.write(`\u001b[${this.drawnLines}A\u001b[0J`);
    this.drawnLines = 0;
  }

  private draw(now: boolean): void {
    const time = performance.now();
    if (!this.phase || (!now && time - this.lastDraw < REDRAW_MILLISECONDS)) return;
    this.lastDraw = time;
    const lines = this.lines(this.phase).map((line) => fit(line, this.terminal.columns ?? 80));
    this.erase();
    this.terminal.write(`${lines.join('\n')}\n`);
    this.drawnLines = lines.length;
  }

  private lines(phase: EventOf<'phase'>): string[] {
    const share = this.eta.phaseShare;
    const left = this.eta.phaseSeconds();
    const runLeft = this.eta.runSeconds();
    const where = phase.iteration === 0 ? 'start' : `iteration ${phase.iteration}/${this.iterations}`;
    const step = this.step ? ` · step ${this.step.step}/${this.step.total}` : '';
    const eta = [
      ...(left === undefined ? [] : [`ETA ${duration(left)}`]),
      ...(runLeft === undefined ? [] : [`run ${duration(runLeft)}`]),
    ].join(', ');
    const lines = [
      `${pc.cyan('▸')} ${where} · ${pc.bold(phaseName(phase.phase))}${step} ${pc.cyan(progressBar(share, 20))} ${percent(share)} ${pc.dim([eta, this.activity].filter((text) => text !== '').join(' · '))}`,
    ];
    const metrics = this.step?.metrics;
    if (metrics) {
      lines.push(`  reward ${pc.bold(metrics['reward']!.toFixed(3))} = ${rewardParts(metrics)}`);
      lines.push(
        pc.dim(
          `  length ${(metrics['completions/mean_length'] ?? 0).toFixed(0)} · clipped ${percent(metrics['completions/clipped_ratio'] ?? 0)}` +
            ` · entropy ${(metrics['entropy'] ?? 0).toFixed(2)} · kl ${(metrics['kl'] ?? 0).toFixed(4)}` +
            ` · ${count(metrics['toolr0/tokens_per_second'] ?? 0)} tok/s · ${bytes(metrics['toolr0/memory_rss_bytes'] ?? 0)}`,
        ),
      );
    }
    if (this.valid !== undefined || this.histogram) {
      const valid = this.valid === undefined ? '' : `valid tasks ${percent(this.valid)}`;
      const histogram = this.histogram ? `p̂ 0 ${sparkline(this.histogram)} 1` : '';
      lines.push(pc.dim(`  ${[valid, histogram].filter((text) => text !== '').join(' · ')}`));
    }
    return lines;
  }
}
