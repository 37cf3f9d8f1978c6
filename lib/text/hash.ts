import { createHash } from 'node:crypto';

/** SHA-1 of the UTF-8 bytes, 40 hex digits. Lone surrogates are hashed as U+FFFD. */
export function sha1(text: string): string {
  return createHash('sha1').update(text, 'utf8').digest('hex');
}

/** The first 16 hex digits of `sha1`. */
export function sha16(text: string): string {
  return sha1(text).slice(0, 16);
}
