import type {
  AddonGenerateRequest,
  AddonPolicy,
  AddonTrainBatch,
  AddonTrainerOptions,
  NativeAddon,
} from '../../lib/binding/addon';

/** Wrong values may be put in on purpose. */
type Changes = Record<string, unknown>;

export const VOCAB: number;
export function writeTinyModel(changes?: Changes): string;
export function initPolicy(addon: NativeAddon, changes?: Changes, seed?: number): Promise<AddonPolicy>;
export function generateRequest(changes?: Changes): AddonGenerateRequest;
export function longRequest(changes?: Changes): AddonGenerateRequest;
export function trainerOptions(changes?: Changes): AddonTrainerOptions;
export function trainBatch(rows?: number, length?: number, changes?: Changes): AddonTrainBatch;
export function longBatch(): AddonTrainBatch;
