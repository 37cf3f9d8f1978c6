import type { Measured } from '../../lib/bench/measure';
import type { MeasuredRow } from '../../lib/bench/types';

/** Repetitions of 100 tokens in so many seconds. */
export function measured(seconds: number[], over: Partial<Measured['ready']> = {}): Measured {
  const reply = (time: number) => ({
    seconds: time,
    tokens: 100,
    peakResidentBytes: 1e9 * time,
    peakCudaBytes: null,
  });
  return {
    ready: { version: '1.2.3', baseResidentBytes: 1e8, ...over },
    warmUp: reply(0.1),
    repetitions: seconds.map((time) => ({ ...reply(time), phases: { decodeSeconds: time / 2 } })),
  };
}

export const row = (over: Partial<MeasuredRow> = {}): MeasuredRow => ({
  suite: 'rollout',
  shape: 'embedded',
  device: 'cpu',
  dtype: 'float32',
  metric: 'tok/s',
  ours: 9000,
  peer: 3000,
  peerName: 'transformers',
  ratio: 3,
  share: 0.5,
  peakBytes: 2e8,
  peerPeakBytes: 5e8,
  stateBytes: null,
  peerStateBytes: null,
  workload: '8 × 70 tokens × n 8, 128 new',
  ourRates: [8000, 9000, 10000],
  peerRates: [2900, 3000, 3100],
  ratios: [2.7, 3, 3.3],
  peerVersion: '5.0.0',
  mismatch: null,
  peerMismatch: null,
  mfu: null,
  phases: {},
  peerPhases: {},
  ...over,
});
