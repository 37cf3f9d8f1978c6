import type { Measured } from './measure';
import { median } from './statistics';
import type { BenchRow, MeasuredRow, PeerName } from './types';

const rates = ({ repetitions }: Measured) => repetitions.map(({ tokens, seconds }) => tokens / seconds);

function peakOf({ repetitions, warmUp }: Measured, device: string): number | null {
  const peaks = [warmUp, ...repetitions].map(({ peakResidentBytes, peakCudaBytes }) =>
    device === 'cpu' ? peakResidentBytes : peakCudaBytes,
  );
  const known = peaks.filter((peak): peak is number => peak !== null);
  return known.length === 0 ? null : Math.max(...known);
}

/** Median seconds of each phase. */
function phasesOf({ repetitions }: Measured): Record<string, number> {
  const names = Object.keys(repetitions[0]?.phases ?? {});
  return Object.fromEntries(
    names.map((name) => [name, median(repetitions.map(({ phases }) => phases![name]!))]),
  );
}

/** null where the trainer does not count its operations. */
function mfuOf({ repetitions }: Measured, flops: number): number | null {
  const shares = repetitions.flatMap(({ trainFlops, phases }) =>
    trainFlops === undefined ? [] : [trainFlops / phases!['trainSeconds']! / flops],
  );
  return shares.length === 0 ? null : median(shares);
}

export interface RowContext extends Pick<BenchRow, 'suite' | 'shape' | 'device' | 'dtype' | 'metric'> {
  workload: string;
  /** The least seconds it can take, where known. */
  bound: number | null;
  /** Floating-point operations a second the machine has, where known. */
  flops: number | null;
  /** Phases as they are shown; default: as measured. */
  phases?: (phases: Record<string, number>) => Record<string, number>;
}

/** One row: what was measured of the project beside one peer. `peer` is undefined where that peer could not be measured. */
export function rowOf(
  { bound, flops, phases = (measured) => measured, ...place }: RowContext,
  ours: Measured,
  peerName: PeerName | null,
  peer: Measured | undefined,
): MeasuredRow {
  const ourRates = rates(ours);
  const peerRates = peer ? rates(peer) : [];
  const ratios = peerRates.map((rate, index) => ourRates[index]! / rate);
  const own = median(ourRates);
  const other = peer ? median(peerRates) : null;
  return {
    ...place,
    ours: own,
    peer: other,
    peerName,
    ratio: other === null ? null : own / other,
    share: bound === null ? null : bound / median(ours.repetitions.map(({ seconds }) => seconds)),
    peakBytes: peakOf(ours, place.device),
    peerPeakBytes: peer ? peakOf(peer, place.device) : null,
    stateBytes: ours.ready.stateBytes ?? null,
    peerStateBytes: peer?.ready.stateBytes ?? null,
    ourRates,
    peerRates,
    ratios,
    peerVersion: peer?.ready.version ?? null,
    mismatch: ours.warmUp.mismatch ?? null,
    peerMismatch: peer?.warmUp.mismatch ?? null,
    mfu: flops === null ? null : mfuOf(ours, flops),
    phases: phases(phasesOf(ours)),
    peerPhases: peer ? phasesOf(peer) : {},
  };
}

/** The fields `--json` prints, in their order. */
export function jsonRow(row: MeasuredRow): BenchRow {
  const { suite, shape, device, dtype, metric, ours, peer, peerName, ratio, share } = row;
  const { peakBytes, peerPeakBytes, stateBytes, peerStateBytes } = row;
  return {
    suite,
    shape,
    device,
    dtype,
    metric,
    ours,
    peer,
    peerName,
    ratio,
    share,
    peakBytes,
    peerPeakBytes,
    stateBytes,
    peerStateBytes,
  };
}
