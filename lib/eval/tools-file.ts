import * as fs from 'node:fs';

import { ConfigError } from '../binding/errors';
import type { JsonValue, Tool } from '../tasks/task';
import { isObject, RecordReader } from './record-reader';

/**
 * Reads a JSON file of tools: a list, or an object with a `tools` list; each plain or in OpenAI's `{type: 'function', function: …}`.
 * @throws ConfigError naming file and field
 */
export function readToolsFile(file: string): Tool[] {
  let value: unknown;
  try {
    value = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new ConfigError(
      `--tools ${file}: cannot be read as JSON (${(cause as Error).message})`,
      { file },
      { cause },
    );
  }
  const list = isObject(value) ? value['tools'] : value;
  if (!Array.isArray(list) || list.length === 0) {
    throw new ConfigError(`--tools ${file}: must hold a non-empty list of tools`, { file });
  }
  const reader = new RecordReader(file, { file });
  return (list as JsonValue[]).map((tool, index) => reader.tool(tool, `[${index}]`));
}
