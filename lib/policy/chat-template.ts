import { Template } from '@huggingface/jinja';

import { ConfigError, ModelFormatError } from '../binding/errors';

/** One turn of a conversation, in the form chat templates take; further keys (e.g. `tool_calls`) reach the template too. */
export interface TemplateMessage {
  role: string;
  content?: unknown;
}

export interface ChatTemplateOptions {
  /** OpenAI-style tool definitions, for templates that render them. */
  tools?: readonly unknown[] | null;
  addGenerationPrompt?: boolean;
  /** Further variables the template understands (e.g. `enable_thinking`). */
  variables?: Readonly<Record<string, unknown>>;
}

/**
 * A number whose text matters: Python's json keeps 1.0 apart from 1, a JavaScript number does not. Anything with a `lexeme` is
 * rendered as that text.
 */
export interface NumberLexeme {
  readonly lexeme: string;
}

const isNumberLexeme = (value: unknown): value is NumberLexeme =>
  typeof value === 'object' && value !== null && typeof (value as { lexeme?: unknown }).lexeme === 'string';

/**
 * A Hugging Face chat template (Jinja with trim_blocks and lstrip_blocks, as transformers renders it).
 * @throws ModelFormatError when the source does not parse.
 */
export class ChatTemplate {
  private readonly template: Template;

  constructor(
    source: string,
    private readonly tokens: { bosToken?: string; eosToken?: string } = {},
  ) {
    try {
      this.template = new Template(source);
    } catch (cause) {
      throw new ModelFormatError(
        `chat template: does not parse (${(cause as Error).message})`,
        {},
        { cause },
      );
    }
  }

  /** @throws ConfigError when the template refuses the messages (its own raise_exception) or fails on them. */
  render(messages: readonly TemplateMessage[], options: ChatTemplateOptions = {}): string {
    // The engine writes numbers as JavaScript does. Number lexemes go through as marked strings and are unmarked afterwards.
    const nonce = `\uE000${Math.random().toString(36).slice(2)}`;
    let marked = false;
    const mark = (value: unknown): unknown => {
      if (isNumberLexeme(value)) {
        marked = true;
        return `${nonce}${value.lexeme}\uE001`;
      }
      if (Array.isArray(value)) return value.map(mark);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mark(item)]));
    };
    let text: string;
    try {
      text = this.template.render({
        bos_token: this.tokens.bosToken ?? '',
        eos_token: this.tokens.eosToken ?? '',
        messages: mark(messages),
        tools: options.tools ? mark(options.tools) : null,
        add_generation_prompt: options.addGenerationPrompt ?? false,
        ...(mark(options.variables ?? {}) as Record<string, unknown>),
      });
    } catch (cause) {
      throw new ConfigError(`chat template: ${(cause as Error).message}`, {}, { cause });
    }
    return marked ? text.replace(new RegExp(`"?${nonce}([^\\uE001]*)\\uE001"?`, 'g'), '$1') : text;
  }
}
