import * as fs from 'node:fs';

import { ConfigError } from '../binding/errors';
import type { Task } from '../tasks/task';
import { causeOf } from './benchmarks/reading';
import { isObject, RecordReader, type Row } from './record-reader';

/**
 * Reads held-out tasks: one JSON object {id, question, tools, gold} per line; blank lines are skipped. An empty `gold` wants no call.
 * @throws ConfigError naming file, line and field
 */
export function readHeldOutFile(file: string): Task[] {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(
      `--eval-data ${file}: cannot be read (${causeOf(cause, file)})`,
      { file },
      { cause },
    );
  }
  const tasks: Task[] = [];
  const lineOfId = new Map<string, number>();
  text.split('\n').forEach((content, index) => {
    if (content.trim() === '') return;
    const reader = new RecordReader(`${file}, line ${index + 1}`, { file, line: index + 1 });
    let row: unknown;
    try {
      row = JSON.parse(content);
    } catch (cause) {
      reader.fail('row', `is not valid JSON (${(cause as Error).message})`);
    }
    if (!isObject(row)) reader.fail('row', 'must be an object {id, question, tools, gold}');
    const task = reader.task(row as Row);
    const earlier = lineOfId.get(task.id);
    if (earlier !== undefined) reader.fail('id', `'${task.id}' occurs in line ${earlier} already`);
    lineOfId.set(task.id, index + 1);
    tasks.push(task);
  });
  if (tasks.length === 0) throw new ConfigError(`--eval-data ${file}: holds no task`, { file });
  return tasks;
}
