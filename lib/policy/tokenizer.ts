import * as fs from 'node:fs';
import * as path from 'node:path';

import * as hubTokenizers from '@huggingface/tokenizers';

import { ConfigError, ModelFormatError } from '../binding/errors';
import { ChatTemplate, type ChatTemplateOptions, type TemplateMessage } from './chat-template';
import { readModelJson } from './model-folder';

/** The part of the library's class that is used here; its own typings do not resolve under Node's module rules. */
interface HubTokenizer {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  decode(
    ids: number[],
    options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean },
  ): string;
  get_vocab(withAddedTokens: boolean): Map<string, number>;
  get_added_tokens_decoder(): Map<number, unknown>;
}
const { Tokenizer: HubTokenizer } = hubTokenizers as unknown as {
  Tokenizer: new (definition: object, config: object) => HubTokenizer;
};

/** Bytes of a token in a byte-level vocabulary: GPT-2's table of printable stand-ins, inverted. */
const BYTE_OF_CHARACTER: ReadonlyMap<string, number> = (() => {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  const table = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte++)
    table.set(String.fromCodePoint(printable(byte) ? byte : next++), byte);
  return table;
})();

function tokenContent(token: unknown): string | undefined {
  if (typeof token === 'string') return token;
  const content = (token as { content?: unknown } | null | undefined)?.content;
  return typeof content === 'string' ? content : undefined;
}

/** A model folder's tokenizer and chat template. Ids and text agree with Python `tokenizers`/`transformers` exactly. */
export class Tokenizer {
  /** Size of the id space: 1 + the highest id in use. */
  readonly vocabSize: number;
  /** Ids that end a turn according to tokenizer_config.json (the model's generation_config adds its own). */
  readonly eosTokenIds: readonly number[];
  private bytes: { data: Uint8Array; offsets: Int32Array } | undefined;

  private constructor(
    private readonly hub: HubTokenizer,
    private readonly vocabulary: ReadonlyMap<string, number>,
    /** Undefined when the folder has no template. */
    readonly chatTemplate: ChatTemplate | undefined,
    eosToken: string | undefined,
  ) {
    let highest = -1;
    for (const id of vocabulary.values()) highest = Math.max(highest, id);
    this.vocabSize = highest + 1;
    const eos = eosToken === undefined ? undefined : vocabulary.get(eosToken);
    this.eosTokenIds = eos === undefined ? [] : [eos];
  }

  /** Reads tokenizer.json, tokenizer_config.json and the chat template of a folder. @throws ModelFormatError naming the file. */
  static load(dir: string): Tokenizer {
    const file = path.join(dir, 'tokenizer.json');
    if (!fs.existsSync(file)) {
      throw new ModelFormatError(
        `${file}: not found. Export it with transformers: AutoTokenizer.from_pretrained(…).save_pretrained('${dir}')`,
        { file },
      );
    }
    const definition = readModelJson(file);
    const configFile = path.join(dir, 'tokenizer_config.json');
    const config = fs.existsSync(configFile) ? readModelJson(configFile) : {};
    let hub: HubTokenizer;
    try {
      hub = new HubTokenizer(definition, config);
    } catch (cause) {
      throw new ModelFormatError(
        `${file}: not a usable tokenizer (${(cause as Error).message})`,
        { file },
        { cause },
      );
    }
    const templateFile = path.join(dir, 'chat_template.jinja');
    const source = fs.existsSync(templateFile)
      ? fs.readFileSync(templateFile, 'utf8')
      : config['chat_template'];
    const template =
      typeof source === 'string'
        ? new ChatTemplate(source, {
            bosToken: tokenContent(config['bos_token']),
            eosToken: tokenContent(config['eos_token']),
          })
        : undefined;
    return new Tokenizer(hub, hub.get_vocab(true), template, tokenContent(config['eos_token']));
  }

  /** Text → ids. No special tokens are added; special tokens written in the text are recognised. */
  encode(text: string): number[] {
    return text === '' ? [] : this.hub.encode(text, { add_special_tokens: false }).ids;
  }

  /** Ids → text; invalid UTF-8 becomes U+FFFD. */
  decode(ids: ArrayLike<number>, options: { skipSpecialTokens?: boolean } = {}): string {
    if (ids.length === 0) return '';
    return this.hub.decode(Array.from(ids), {
      skip_special_tokens: options.skipSpecialTokens ?? false,
      clean_up_tokenization_spaces: false,
    });
  }

  /** Chat messages → prompt ids through the model's own template. @throws ConfigError when the folder has no template. */
  encodeChat(messages: readonly TemplateMessage[], options: ChatTemplateOptions = {}): number[] {
    if (!this.chatTemplate) {
      throw new ConfigError(
        'this model folder has no chat template (chat_template.jinja or tokenizer_config.json)',
      );
    }
    return this.encode(this.chatTemplate.render(messages, { addGenerationPrompt: true, ...options }));
  }

  tokenToId(token: string): number | undefined {
    return this.vocabulary.get(token);
  }

  /** Bytes of every token, back to back: token i is data[offsets[i] … offsets[i+1]). For native stop-string matching. */
  tokenBytes(): { data: Uint8Array; offsets: Int32Array } {
    this.bytes ??= this.buildTokenBytes();
    return this.bytes;
  }

  private buildTokenBytes() {
    const added = new Set([...this.hub.get_added_tokens_decoder().keys()]);
    const tokens = new Array<Uint8Array>(this.vocabSize).fill(new Uint8Array());
    const utf8 = new TextEncoder();
    for (const [text, id] of this.vocabulary) {
      const bytes = added.has(id)
        ? undefined
        : [...text].map((character) => BYTE_OF_CHARACTER.get(character));
      tokens[id] =
        bytes && !bytes.includes(undefined) ? Uint8Array.from(bytes as number[]) : utf8.encode(text);
    }
    const offsets = new Int32Array(tokens.length + 1);
    tokens.forEach((token, id) => (offsets[id + 1] = offsets[id]! + token.length));
    const data = new Uint8Array(offsets[tokens.length]!);
    tokens.forEach((token, id) => data.set(token, offsets[id]));
    return { data, offsets };
  }
}
