import * as fs from 'node:fs';

import { ConfigError } from '../binding/errors';
import type { JsonValue, Task, Tool, ToolCall } from '../tasks/task';

type Row = Record<string, JsonValue>;

const isObject = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Names line and field of what is wrong. */
class RowReader {
  constructor(
    private readonly file: string,
    private readonly line: number,
  ) {}

  fail(field: string, problem: string): never {
    throw new ConfigError(`${this.file}, line ${this.line}: ${field} ${problem}`, {
      file: this.file,
      line: this.line,
      field,
    });
  }

  text(row: Row, key: string, field = key): string {
    const value = row[key];
    if (typeof value !== 'string' || value.trim() === '') this.fail(field, 'must be a non-empty string');
    return value as string;
  }

  list(row: Row, key: string): JsonValue[] {
    const value = row[key];
    if (!Array.isArray(value) || value.length === 0) this.fail(key, 'must be a non-empty list');
    return value as JsonValue[];
  }

  /** A tool, plain or in OpenAI's `{type: 'function', function: …}`. */
  tool(value: JsonValue, field: string): Tool {
    const inner = isObject(value) && isObject(value['function']) ? value['function'] : value;
    if (!isObject(inner)) this.fail(field, 'must be an object with a name');
    const row = inner as Row;
    const name = this.text(row, 'name', `${field}.name`);
    const parameters = row['parameters'] ?? {};
    if (!isObject(parameters)) this.fail(`${field}.parameters`, 'must be an object');
    const required = row['required'];
    if (
      required !== undefined &&
      !(Array.isArray(required) && required.every((key) => typeof key === 'string'))
    ) {
      this.fail(`${field}.required`, 'must be a list of parameter names');
    }
    return {
      name,
      ...(typeof row['description'] === 'string' ? { description: row['description'] } : {}),
      parameters: parameters as Row,
      ...(required === undefined ? {} : { required: required as string[] }),
    };
  }

  call(value: JsonValue, field: string, names: ReadonlySet<string>): ToolCall {
    if (!isObject(value)) this.fail(field, 'must be an object {name, arguments}');
    const row = value as Row;
    const name = this.text(row, 'name', `${field}.name`);
    if (!names.has(name))
      this.fail(`${field}.name`, `'${name}' is not among the tools (${[...names].join(', ')})`);
    const given = row['arguments'] ?? {};
    if (!isObject(given)) this.fail(`${field}.arguments`, 'must be an object');
    return { name, arguments: given as Row };
  }

  task(row: Row): Task {
    const tools = this.list(row, 'tools').map((tool, index) => this.tool(tool, `tools[${index}]`));
    const names = new Set(tools.map((tool) => tool.name));
    const id = typeof row['id'] === 'number' ? String(row['id']) : this.text(row, 'id');
    return {
      id,
      question: this.text(row, 'question'),
      tools,
      gold: this.list(row, 'gold').map((call, index) => this.call(call, `gold[${index}]`, names)),
    };
  }
}

/**
 * Reads held-out tasks: one JSON object {id, question, tools, gold} per line; blank lines are skipped.
 * @throws ConfigError naming file, line and field
 */
export function readHeldOutFile(file: string): Task[] {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(
      `--eval-data ${file}: cannot be read (${(cause as Error).message})`,
      { file },
      { cause },
    );
  }
  const tasks: Task[] = [];
  const lineOfId = new Map<string, number>();
  text.split('\n').forEach((content, index) => {
    if (content.trim() === '') return;
    const reader = new RowReader(file, index + 1);
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
