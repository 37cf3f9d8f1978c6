import { readFloat } from '../rewards/float';

export interface ConfidenceInput {
  /** The judge's reply named no level, so that its label is worth half. */
  usedFallback: boolean;
  /** Share of Solver samples with the commonest answer, as a record holds it; undefined where it was not measured. */
  modeFraction?: unknown;
  /** Weight of the judge; the rest is the mode fraction's. Default 0.7. */
  alpha?: number;
}

/** How sure a label of difficulty is, from 0 to 1. */
export function labelConfidence({ usedFallback, modeFraction, alpha = 0.7 }: ConfidenceInput): number {
  const judge = usedFallback ? 0.5 : 1;
  if (modeFraction === undefined) return judge;
  const weight = shareOf(alpha);
  return shareOf(weight * judge + (1 - weight) * shareOf(modeFraction));
}

/** Any value as a share from 0 to 1: numbers, booleans and numeric text clamped, anything else 0. */
function shareOf(value: unknown): number {
  const number =
    typeof value === 'string' ? readFloat(value) : typeof value === 'boolean' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) return 0;
  return Math.max(0, Math.min(1, number));
}
