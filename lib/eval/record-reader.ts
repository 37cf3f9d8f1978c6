import { ConfigError } from '../binding/errors';
import type { JsonValue, Task, Tool, ToolCall } from '../tasks/task';

export type Row = Record<string, JsonValue>;

export const isObject = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads tools, calls and tasks out of JSON that users write; names the place and the field of what is wrong. */
export class RecordReader {
  /** @param place e.g. `tasks.jsonl, line 3` */
  constructor(
    private readonly place: string,
    private readonly details: Readonly<Record<string, unknown>> = {},
  ) {}

  fail(field: string, problem: string): never {
    throw new ConfigError(`${this.place}: ${field} ${problem}`, { ...this.details, field });
  }

  text(row: Row, key: string, field = key): string {
    const value = row[key];
    if (typeof value !== 'string' || value.trim() === '') this.fail(field, 'must be a non-empty string');
    return value;
  }

  private id(row: Row): string {
    if (typeof row['id'] !== 'string') this.fail('id', 'must be a text or a number');
    return this.text(row, 'id');
  }

  list(row: Row, key: string): JsonValue[] {
    const value = row[key];
    if (!Array.isArray(value) || value.length === 0) this.fail(key, 'must be a non-empty list');
    return value;
  }

  /** A tool, plain or in OpenAI's `{type: 'function', function: …}`. */
  tool(value: JsonValue, field: string): Tool {
    const inner = isObject(value) && isObject(value['function']) ? value['function'] : value;
    if (!isObject(inner)) this.fail(field, 'must be an object with a name');
    const row = inner;
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
      parameters: parameters,
      ...(required === undefined ? {} : { required: required }),
    };
  }

  call(value: JsonValue, field: string, names: ReadonlySet<string>): ToolCall {
    if (!isObject(value)) this.fail(field, 'must be an object {name, arguments}');
    const row = value;
    const name = this.text(row, 'name', `${field}.name`);
    if (!names.has(name))
      this.fail(`${field}.name`, `'${name}' is not among the tools (${[...names].join(', ')})`);
    const given = row['arguments'] ?? {};
    if (!isObject(given)) this.fail(`${field}.arguments`, 'must be an object');
    return { name, arguments: given };
  }

  /** A task; its `gold` may be empty. */
  task(row: Row): Task {
    const gold = row['gold'];
    if (!Array.isArray(gold))
      this.fail('gold', 'must be a list of calls (empty: the right answer is no call)');
    const tools = this.list(row, 'tools').map((tool, index) => this.tool(tool, `tools[${index}]`));
    const names = new Set(tools.map((tool) => tool.name));
    const id = typeof row['id'] === 'number' ? String(row['id']) : this.id(row);
    return {
      id,
      question: this.text(row, 'question'),
      tools,
      gold: gold.map((call, index) => this.call(call, `gold[${index}]`, names)),
    };
  }
}
