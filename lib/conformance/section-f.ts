import * as fs from 'node:fs';
import * as path from 'node:path';

import { ToolR0Error } from '../binding/errors';
import { Tokenizer } from '../policy/tokenizer';
import type { TemplateMessage } from '../policy/chat-template';
import { readWithLexemes } from './lexemes';
import { runRows } from './rows';
import { expectEqual, type FileResult, type VectorRow } from './types';

interface EncodeRow extends VectorRow {
  text: string;
  ids: number[];
  decoded?: string;
  decoded_skip_special?: string;
}
interface DecodeRow extends VectorRow {
  ids: number[];
  decoded: string;
  decoded_skip_special: string;
}
interface ChatRow extends VectorRow {
  messages: TemplateMessage[];
  tools: unknown[] | null;
  kwargs: Record<string, unknown>;
  add_generation_prompt: boolean;
  rendered?: string;
  n_ids?: number;
  raises?: string;
}

function checkEncode(tokenizer: Tokenizer, row: EncodeRow) {
  expectEqual(tokenizer.encode(row.text), row.ids, 'ids');
  const decoded = row.decoded ?? row.text;
  expectEqual(tokenizer.decode(row.ids), decoded, 'decoded');
  const skipped = tokenizer.decode(row.ids, { skipSpecialTokens: true });
  expectEqual(skipped, row.decoded_skip_special ?? decoded, 'decoded without special tokens');
}

function checkDecode(tokenizer: Tokenizer, row: DecodeRow) {
  expectEqual(tokenizer.decode(row.ids), row.decoded, 'decoded');
  const skipped = tokenizer.decode(row.ids, { skipSpecialTokens: true });
  expectEqual(skipped, row.decoded_skip_special, 'decoded without special tokens');
}

function checkChat(tokenizer: Tokenizer, row: ChatRow) {
  let rendered: string | null = null;
  try {
    rendered = tokenizer.chatTemplate!.render(row.messages, {
      tools: row.tools,
      addGenerationPrompt: row.add_generation_prompt,
      variables: row.kwargs,
    });
  } catch (error) {
    if (!(error instanceof ToolR0Error)) throw error;
  }
  expectEqual(rendered, row.raises === undefined ? row.rendered : null, 'rendered');
  if (rendered !== null) expectEqual(tokenizer.encode(rendered).length, row.n_ids, 'number of ids');
}

/** F: tokenizers and chat templates, one result per oracle file. */
export async function checkSectionF(dir: string): Promise<FileResult[]> {
  const root = path.join(dir, 'F_tokenizers');
  if (!fs.existsSync(root)) return [];
  const results: FileResult[] = [];
  for (const name of fs.readdirSync(root).sort()) {
    const file = path.join('F_tokenizers', name, 'oracle.json');
    const tokenizer = Tokenizer.load(path.join(root, name));
    const oracle = readWithLexemes(fs.readFileSync(path.join(dir, file), 'utf8')) as {
      encode: EncodeRow[];
      decode: DecodeRow[];
      chat: ChatRow[];
    };
    const checks = [
      ...oracle.encode.map((row, index) => ({
        id: `encode[${index}]`,
        row,
        check: () => checkEncode(tokenizer, row),
      })),
      ...oracle.decode.map((row, index) => ({
        id: `decode[${index}]`,
        row,
        check: () => checkDecode(tokenizer, row),
      })),
      ...oracle.chat.map((row, index) => ({
        id: `chat[${index}]`,
        row,
        check: () => checkChat(tokenizer, row),
      })),
    ];
    results.push(await runRows(file, checks));
  }
  return results;
}
