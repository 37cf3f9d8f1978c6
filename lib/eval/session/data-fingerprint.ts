/** Tells whether a folder of results was made with the same data. */
import * as crypto from 'node:crypto';
import * as fs from 'node:fs';

import { ioError } from '../../io/files';
import { stratumOf, type NeutralRecord } from '../neutral-record';

const digest = (hash: crypto.Hash) => hash.digest('hex').slice(0, 16);

/** Of all that decides the answers to records, their scores and the headline, in their order. */
export function recordsFingerprint(records: readonly NeutralRecord[]): string {
  const hash = crypto.createHash('sha256');
  for (const record of records) {
    const { id, question, tools, gold, gold_alternatives = null, optional_args = null } = record;
    const row = [id, question, tools, gold, gold_alternatives, optional_args, stratumOf(record) ?? null];
    hash.update(`${JSON.stringify(row)}\n`);
  }
  return digest(hash);
}

/** @throws IoError */
export function fileFingerprint(file: string): string {
  try {
    return digest(crypto.createHash('sha256').update(fs.readFileSync(file)));
  } catch (cause) {
    throw ioError(file, 'read', cause);
  }
}
