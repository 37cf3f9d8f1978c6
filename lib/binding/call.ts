import type { AddonCancelToken } from './addon';
import { AbortedError, toPublicError } from './errors';
import { loadAddon } from './load';

/**
 * Typed arrays as views of this realm. Under jest and in vm contexts the addon's are the host realm's, and fail `instanceof`
 * here; elsewhere they pass through untouched.
 */
export function adoptArrays<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value)) {
    const name = Object.prototype.toString.call(value).slice(8, -1);
    const Own = (globalThis as unknown as Record<string, Float32ArrayConstructor | undefined>)[name];
    if (!Own || value instanceof (Own as new () => object)) return value;
    const { buffer, byteOffset, length } = value as unknown as Float32Array;
    return new Own(buffer, byteOffset, length) as unknown as T;
  }
  for (const [key, item] of Object.entries(value)) {
    const adopted: unknown = adoptArrays(item);
    if (adopted !== item) (value as Record<string, unknown>)[key] = adopted;
  }
  return value;
}

/** Awaits a native promise; its rejection becomes an error class of lib/binding/errors, its arrays this realm's. */
export async function callNative<T>(start: () => Promise<T>): Promise<T> {
  try {
    return adoptArrays(await start());
  } catch (error) {
    throw toPublicError(error);
  }
}

/** The same for a synchronous native function. */
export function callNativeSync<T>(run: () => T): T {
  try {
    return adoptArrays(run());
  } catch (error) {
    throw toPublicError(error);
  }
}

/**
 * Runs `body` with a token that `signal` cancels; the listener is removed afterwards. A signal that is aborted already still
 * starts the work, so that it ends the way it was asked to (throw, or return what there is). The AbortedError's cause is the
 * signal's reason.
 */
export async function withCancel<T>(
  signal: AbortSignal | undefined,
  body: (cancel: AddonCancelToken) => Promise<T>,
): Promise<T> {
  const cancel = new (loadAddon().AddonCancelToken)();
  const onAbort = () => {
    cancel.cancel();
  };
  if (signal?.aborted) cancel.cancel();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await body(cancel);
  } catch (error) {
    if (error instanceof AbortedError && signal?.aborted) {
      throw new AbortedError(error.message, error.details, { cause: signal.reason });
    }
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}
