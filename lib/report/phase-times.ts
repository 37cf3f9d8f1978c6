import type { RunResult } from '../driver/events';
import type { PhaseTime } from '../driver/meter';
import { count, duration, percent } from './format';
import { phaseName } from './lines';

const rate = (amount: number, seconds: number) => amount / Math.max(1e-9, seconds);

function activities(time: PhaseTime, machine: RunResult['machine']): string[] {
  const { rolloutSeconds, rolloutTokens, decodeSeconds, decodeBytes } = time;
  const { trainSeconds, trainTokens, trainFlops, seconds } = time;
  const parts: string[] = [];
  if (rolloutTokens > 0) {
    const share =
      machine?.bytesPerSecond && decodeBytes > 0
        ? `, ${percent(rate(decodeBytes, decodeSeconds) / machine.bytesPerSecond)} of memory bandwidth`
        : '';
    parts.push(
      `rollouts ${duration(rolloutSeconds)} at ${count(rate(rolloutTokens, rolloutSeconds))} tok/s${share}`,
    );
  }
  if (trainTokens > 0) {
    const share = machine?.flops ? `, MFU ${percent(rate(trainFlops, trainSeconds) / machine.flops)}` : '';
    parts.push(
      `training ${duration(trainSeconds)} at ${count(rate(trainTokens, trainSeconds))} tok/s${share}`,
    );
  }
  const rest = seconds - rolloutSeconds - trainSeconds;
  if (rest >= 1) parts.push(`other ${duration(rest)}`);
  return parts;
}

/** Where a run's time went, a line per phase, so that a user sees what to make faster. */
export function phaseTimesText({ phases = [], machine }: Pick<RunResult, 'phases' | 'machine'>): string[] {
  const spent = phases.filter(({ seconds }) => seconds > 0);
  if (spent.length === 0) return [];
  const limits = [
    ...(machine?.flops ? [`${(machine.flops / 1e12).toPrecision(3)} TFLOP/s`] : []),
    ...(machine?.bytesPerSecond ? [`${(machine.bytesPerSecond / 1e9).toPrecision(3)} GB/s`] : []),
  ];
  const width = Math.max(...spent.map(({ phase }) => phaseName(phase).length));
  return [
    `Where the time went${limits.length > 0 ? ` (this machine: ${limits.join(', ')})` : ''}`,
    ...spent.map(
      (time) =>
        `  ${phaseName(time.phase).padEnd(width)}  ${duration(time.seconds).padStart(6)}  ${activities(time, machine).join(' · ')}`,
    ),
  ];
}
