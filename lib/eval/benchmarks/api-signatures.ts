import * as fs from 'node:fs';
import * as path from 'node:path';

import type { Row } from '../record-reader';
import { splitArguments } from './python-call';
import { readDataJson, readDataText } from './reading';

const CLASS = /^class (\w+)\(API\):/m;
const CALL = /^ +def call\(\s*self\s*(?:,([\s\S]*?))?\)\s*(?:->[^:]*)?:/m;

/**
 * Which arguments API-Bank's functions require, by function: those of its `call` method that have no default.
 * @param source api_signatures.json (`{function: {call_required}}`), or upstream's folder `apis` of Python sources
 */
export function readSignatures(source: string): ReadonlyMap<string, readonly string[]> {
  if (!fs.statSync(source).isDirectory()) return readJsonSignatures(source);
  const files = fs.readdirSync(source).filter((name) => name.endsWith('.py'));
  const signatures = files.flatMap((name) => {
    const text = readDataText(path.join(source, name));
    const [className, call] = [CLASS.exec(text)?.[1], CALL.exec(text)];
    return className !== undefined && call !== null ? [[className, requiredOf(call[1] ?? '')] as const] : [];
  });
  return new Map(signatures);
}

/** `appointment_id: str, date: str = None` → appointment_id */
const requiredOf = (parameters: string): string[] =>
  (splitArguments(parameters) ?? [])
    .filter((parameter) => !parameter.includes('=') && !parameter.startsWith('*'))
    .map((parameter) => parameter.split(':')[0]!.trim());

function readJsonSignatures(file: string): Map<string, string[]> {
  const entries = Object.entries(readDataJson(file) as Record<string, Row | null>);
  return new Map(
    entries.map(([name, signature]) => {
      const required = signature?.['call_required'];
      return [
        name,
        Array.isArray(required) ? required.filter((argument) => typeof argument === 'string') : [],
      ];
    }),
  );
}
