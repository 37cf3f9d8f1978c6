/**
 * Error classes of the public API. Each says what was wrong, where, and what to do; `code` is stable, `details` holds the
 * machine-readable parts (file, field, values).
 */
export class ToolR0Error extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

function errorClass(code: string) {
  return class extends ToolR0Error {
    constructor(message: string, details?: Readonly<Record<string, unknown>>, options?: ErrorOptions) {
      super(code, message, details, options);
    }
  };
}

/** An option, flag, config key or argument is wrong. */
export class ConfigError extends errorClass('TOOL_R0_CONFIG') {}
/** config.json, tokenizer or safetensors files are missing, corrupt or unsupported. */
export class ModelFormatError extends errorClass('TOOL_R0_MODEL_FORMAT') {}
/** A run folder or trainer state cannot be read or does not fit. */
export class CheckpointError extends errorClass('TOOL_R0_CHECKPOINT') {}
export class OutOfMemoryError extends errorClass('TOOL_R0_OUT_OF_MEMORY') {}
export class AbortedError extends errorClass('TOOL_R0_ABORTED') {}
/** A disposed Policy or Trainer was used. */
export class DisposedError extends errorClass('TOOL_R0_DISPOSED') {}
/** The device does not exist or this build cannot use it. */
export class DeviceError extends errorClass('TOOL_R0_DEVICE') {}
/** NaN or infinity where none may be. */
export class NumericError extends errorClass('TOOL_R0_NUMERIC') {}
/** A file could not be read or written. */
export class IoError extends errorClass('TOOL_R0_IO') {}
/** libtorch or the addon is missing, does not load or was built for another version. */
export class SetupError extends errorClass('TOOL_R0_SETUP') {}
/** The run cannot go on: no valid task, nothing to train on. */
export class RunError extends errorClass('TOOL_R0_RUN') {}
/** Any other failure inside the native core. */
export class NativeError extends errorClass('TOOL_R0_NATIVE') {}

const CLASSES: Record<
  string,
  new (message: string, details?: Record<string, unknown>, options?: ErrorOptions) => ToolR0Error
> = {
  TOOL_R0_CONFIG: ConfigError,
  TOOL_R0_MODEL_FORMAT: ModelFormatError,
  TOOL_R0_CHECKPOINT: CheckpointError,
  TOOL_R0_OUT_OF_MEMORY: OutOfMemoryError,
  TOOL_R0_ABORTED: AbortedError,
  TOOL_R0_DISPOSED: DisposedError,
  TOOL_R0_DEVICE: DeviceError,
  TOOL_R0_NUMERIC: NumericError,
  TOOL_R0_IO: IoError,
  TOOL_R0_SETUP: SetupError,
  TOOL_R0_RUN: RunError,
  TOOL_R0_NATIVE: NativeError,
};

/** Maps what native code threw to an error class of this realm; anything that is not ours passes through. */
export function toPublicError(error: unknown): unknown {
  if (error instanceof ToolR0Error || typeof error !== 'object' || error === null) return error;
  const { code, message, details } = error as { code?: unknown; message?: unknown; details?: unknown };
  if (typeof code !== 'string' || !(code in CLASSES)) return error;
  const parsed =
    typeof details === 'string' && details !== ''
      ? (JSON.parse(details) as Record<string, unknown>)
      : undefined;
  return new CLASSES[code]!(String(message), parsed, { cause: error });
}
