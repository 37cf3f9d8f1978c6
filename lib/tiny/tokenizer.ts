import * as lexicon from './lexicon';

/**
 * Byte-level tokenizer in Hugging Face's `tokenizer.json` format. Its vocabulary is built, not trained: the 256
 * bytes, every word of the grammar, numbers up to 99 and the frequent pieces of JSON. `ignore_merges` lets a whole
 * pre-token be looked up directly, so no merge rules (and no intermediate tokens) are needed; text outside the
 * grammar falls back to bytes.
 */

export const SPECIAL_TOKENS = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'] as const;
export const TAG_TOKENS = [
  ...['<think>', '</think>', '<question>', '</question>'],
  ...['<available_tools>', '</available_tools>', '<tool_call_answer>', '</tool_call_answer>'],
] as const;

/** Pieces of compact JSON that are one token each; longer ones first, as the pattern tries them in this order. */
const JSON_GLUE = [
  '":{"type":"string"}},"required":["',
  '":{"type":"integer"}},"required":["',
  '":{"type":"string"},"',
  '":{"type":"integer"},"',
  '"}},{"name":"',
  '}},{"name":"',
  '"]},{"name":"',
  '","parameters":{"',
  '","arguments":{"',
  '[{"name":"',
  '"]}]',
  '"}}]',
  '}}]',
] as const;

/** Other runs of punctuation and white space that documents contain. */
const PUNCTUATION = ['":"', '":', '","', ',"', '.', '?', ',', ':', '-', '_', ' ', '\n'] as const;

/** Words of prompts, thoughts and question frames. */
const FRAME_WORDS =
  'Generate a tool-calling task. Domain: Context type: single_turn multi_turn Tools: Calls: Solve the request by ' +
  'calling tools. user assistant system Plan Sketch Guess Check Study Trap First not but and User: Agent: Sure? Actually, ' +
  'make the thanks Can you Could you I need to Please Last time the was Ignore the old My friend had';

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Splits text between added tokens; every character belongs to exactly one piece. */
export const PRE_TOKEN_PATTERN = `${JSON_GLUE.map(escape).join('|')}|[A-Z][a-z]*| ?[a-z]+|\\d{1,2}|[^\\sA-Za-z\\d]+|\\s+`;

export const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** GPT-2's map from bytes to printable characters, in which byte-level vocabularies are written. */
const BYTE_CHARACTERS: readonly string[] = (() => {
  const printable = (b: number): boolean => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
})();

function byteLevel(text: string): string {
  return [...Buffer.from(text, 'utf8')].map((byte) => BYTE_CHARACTERS[byte]).join('');
}

/** Every multi-byte piece of the vocabulary, in a fixed order. */
function vocabularyPieces(): string[] {
  const pieces = new Set<string>([...JSON_GLUE, ...PUNCTUATION]);
  const pattern = new RegExp(PRE_TOKEN_PATTERN, 'g');
  const addText = (text: string): void => {
    for (const piece of text.match(pattern) ?? []) pieces.add(piece);
  };
  const addWord = (word: string): void => [word, ` ${word}`].forEach(addText);
  FRAME_WORDS.split(/(?=[ _-])|(?<=[_-])/).forEach((word) => addWord(word.trim()));
  lexicon.DOMAIN_NAMES.forEach(addWord);
  for (const [verb, said] of Object.entries(lexicon.VERBS)) {
    addWord(verb);
    for (const word of said) [` ${word}`, word.charAt(0).toUpperCase() + word.slice(1)].forEach(addText);
  }
  for (const domain of lexicon.DOMAIN_NAMES) lexicon.objectsOf(domain).forEach(addWord);
  for (const [parameter, variants] of Object.entries(lexicon.PHRASES)) {
    addWord(parameter);
    variants.forEach((variant) => addText(` ${variant.replace('{}', '0')}`));
  }
  Object.values(lexicon.ENUM_VALUES).flat().forEach(addText);
  lexicon.ARTICLES.forEach(addWord);
  lexicon.NAMES.forEach(addText);
  for (let number = 0; number < 100; number++) addText(String(number));
  return [...pieces].filter((piece) => piece.length > 1);
}

/** Token text (as written in tokenizer.json) → id: special tokens, tags, bytes, then words. */
export function buildVocabulary(): Map<string, number> {
  const vocabulary = new Map<string, number>();
  const add = (token: string): void => {
    if (!vocabulary.has(token)) vocabulary.set(token, vocabulary.size);
  };
  SPECIAL_TOKENS.forEach(add);
  TAG_TOKENS.forEach(add);
  BYTE_CHARACTERS.forEach(add);
  vocabularyPieces().map(byteLevel).forEach(add);
  return vocabulary;
}

/** The content of `tokenizer.json`. */
export function tokenizerJson(): object {
  const vocabulary = buildVocabulary();
  const added = [...SPECIAL_TOKENS, ...TAG_TOKENS].map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: id < SPECIAL_TOKENS.length,
  }));
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: PRE_TOKEN_PATTERN }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: true,
      vocab: Object.fromEntries(vocabulary),
      merges: [],
    },
  };
}

/** The content of `tokenizer_config.json`. */
export function tokenizerConfig(contextLength: number): object {
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    bos_token: null,
    eos_token: '<|im_end|>',
    pad_token: '<|endoftext|>',
    unk_token: null,
    additional_special_tokens: ['<|im_start|>', '<|im_end|>'],
    add_bos_token: false,
    clean_up_tokenization_spaces: false,
    model_max_length: contextLength,
    chat_template: CHAT_TEMPLATE,
  };
}

/**
 * The same encoding as `tokenizer.json`, without the generality: the corpus has tens of millions of tokens. A test
 * holds it against `@huggingface/tokenizers`.
 */
export class CorpusEncoder {
  private readonly vocabulary = buildVocabulary();
  private readonly added: RegExp;
  private readonly pattern = new RegExp(PRE_TOKEN_PATTERN, 'g');
  private readonly cache = new Map<string, readonly number[]>();

  constructor() {
    const added = [...SPECIAL_TOKENS, ...TAG_TOKENS];
    for (const token of added) this.cache.set(token, [this.vocabulary.get(token) as number]);
    this.added = new RegExp(`(${added.map(escape).join('|')})`);
  }

  get size(): number {
    return this.vocabulary.size;
  }

  encode(text: string): number[] {
    const ids: number[] = [];
    for (const part of text.split(this.added)) {
      if (part === '') continue;
      if (this.cache.has(part)) ids.push(...this.lookUp(part));
      else for (const piece of part.match(this.pattern) ?? []) ids.push(...this.lookUp(piece));
    }
    return ids;
  }

  private lookUp(piece: string): readonly number[] {
    let ids = this.cache.get(piece);
    if (!ids) {
      const whole = this.vocabulary.get(byteLevel(piece));
      ids =
        whole === undefined ? [...byteLevel(piece)].map((c) => this.vocabulary.get(c) as number) : [whole];
      this.cache.set(piece, ids);
    }
    return ids;
  }
}
