import type { CurationEvent, EvalEvent, EventOf, RunEvent, StepEvent } from '../driver/events';
import type { Interval } from '../eval/accuracy';
import { bytes, count, duration, percent, rejectionText, sparkline } from './format';
import { benchmarkLine, measuredAt, tasksLine } from './set-lines';

const PHASE_NAMES = {
  prepare: 'preparing',
  generator: 'Generator GRPO',
  synthesis: 'synthesis',
  curation: 'curation',
  solver: 'Solver GRPO',
  measure: 'measuring',
} as const;

export const phaseName = (phase: keyof typeof PHASE_NAMES): string => PHASE_NAMES[phase];

const interval = ({ low, high }: Interval) => `${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)}`;

export function startLine(event: EventOf<'start'>): string {
  const { name, preset, parameterCount, device, dtype, seed, directory, resumed } = event;
  return `${resumed ? 'resuming' : 'run'} ${name} · preset ${preset} · ${count(parameterCount)} parameters · ${device} ${dtype} · seed ${seed} → ${directory}`;
}

/** `format 0.93 · validity 0.71 · curriculum 0.28` */
export function rewardParts(metrics: Record<string, number>): string {
  return Object.entries(metrics)
    .flatMap(([name, value]) => {
      const part = /^rewards\/(.+)\/mean$/.exec(name)?.[1];
      return part ? [`${part} ${value.toFixed(2)}`] : [];
    })
    .join(' · ');
}

export function stepLine({ role, step, total, metrics, histogram }: StepEvent): string {
  const parts = [
    `${role} ${String(step).padStart(String(total).length)}/${total}`,
    `reward ${metrics['reward']?.toFixed(3)} (${rewardParts(metrics)})`,
  ];
  if (metrics['toolr0/valid_task_rate'] !== undefined)
    parts.push(`valid ${percent(metrics['toolr0/valid_task_rate'])}`);
  if (histogram && histogram.counts.some((value) => value > 0)) parts.push(`p̂ ${sparkline(histogram)}`);
  parts.push(
    `${count(metrics['toolr0/tokens_per_second'] ?? 0)} tok/s`,
    bytes(metrics['toolr0/memory_rss_bytes'] ?? 0),
    duration(metrics['step_time'] ?? 0),
  );
  return `  ${parts.join('  ')}`;
}

export function curationLine({
  candidates,
  valid,
  unique,
  kept,
  selected,
  rejections,
  histogram,
}: CurationEvent): string {
  const flow = `${candidates} candidates → ${valid} valid → ${unique} unique → ${kept} in the p̂ window → ${selected} selected`;
  const dropped = rejectionText(rejections);
  return `  ${flow}  p̂ ${sparkline(histogram)}${dropped ? `  dropped: ${dropped}` : ''}`;
}

export function measurementLine(event: EvalEvent): string {
  const { accuracy, accuracyInterval, greedyAccuracy, greedyInterval, n, temperature, seconds } = event;
  return (
    `  held-out ${measuredAt(event)}: sampled (T = ${temperature}) ${percent(accuracy, 1)} [${interval(accuracyInterval)}], ` +
    `greedy ${percent(greedyAccuracy, 1)} [${interval(greedyInterval)}], ${n} tasks, ${duration(seconds)}`
  );
}

/** An event as one line for a log, or undefined for what a log does not need. */
export function lineOf(event: RunEvent, iterations: number): string | undefined {
  switch (event.type) {
    case 'start':
      return startLine(event);
    case 'held-out':
      return `  ${event.note}`;
    case 'tasks':
      return tasksLine(event);
    case 'phase': {
      if (event.state !== 'start')
        return event.state === 'stopped' ? `  ${phaseName(event.phase)} stopped` : undefined;
      const units = event.total > 0 && event.phase !== 'measure' ? ` (${event.total})` : '';
      return event.iteration === 0
        ? undefined
        : `iteration ${event.iteration}/${iterations} · ${phaseName(event.phase)}${units}`;
    }
    case 'step':
      return stepLine(event);
    case 'synthesis':
      return `  ${event.candidates} candidates, ${count(event.tokensPerSecond)} tok/s`;
    case 'curation':
      return curationLine(event);
    case 'eval':
      return measurementLine(event);
    case 'benchmark':
      return benchmarkLine(event);
    case 'warning':
      return `warning: ${event.message}`;
    case 'progress':
    case 'checkpoint':
    case 'result':
      return undefined;
  }
}
