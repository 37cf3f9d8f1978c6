import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { ConfigError, ModelFormatError } from '../../lib/binding/errors';
import { checkSectionF } from '../../lib/conformance/section-f';
import { ChatTemplate } from '../../lib/policy/chat-template';
import { Tokenizer } from '../../lib/policy/tokenizer';
import { itWithVectors, VECTORS } from '../vectors';

describe('Tokenizer', () => {
  itWithVectors('agrees with the reference tokenizers and templates on every row', async () => {
    const results = await checkSectionF(VECTORS);
    expect(results.length).toBeGreaterThan(0);
    for (const result of results) expect(result.failures).toEqual([]);
    expect(results.every((result) => result.passed > 100)).toBe(true);
  });

  itWithVectors('gives the bytes of every token, so that they add up to the text', async () => {
    const tokenizer = Tokenizer.load(path.join(VECTORS, 'F_tokenizers/qwen2_style'));
    const { data, offsets } = tokenizer.tokenBytes();
    const text = 'Größe 你好 "x": 12 <|im_end|>\n';
    const ids = tokenizer.encode(text);
    const bytes = ids.flatMap((id) => [...data.subarray(offsets[id], offsets[id + 1])]);
    expect(Buffer.from(bytes).toString('utf8')).toBe(text);
  });

  it('says how to get a missing tokenizer.json', () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tokenizer-'));
    expect(() => Tokenizer.load(dir)).toThrow(ModelFormatError);
    expect(() => Tokenizer.load(dir)).toThrow(/save_pretrained/);
    fs.writeFileSync(path.join(dir, 'tokenizer.json'), '{"model": ');
    expect(() => Tokenizer.load(dir)).toThrow(/tokenizer\.json: not valid JSON/);
    fs.writeFileSync(path.join(dir, 'tokenizer.json'), '{"model": {}}');
    expect(() => Tokenizer.load(dir)).toThrow(/not a usable tokenizer/);
  });
});

describe('ChatTemplate', () => {
  it('keeps the text of a number lexeme and leaves other numbers alone', () => {
    const template = new ChatTemplate('{{ tools | tojson }} {{ tools[0].a }}');
    expect(template.render([], { tools: [{ a: { lexeme: '1.0' }, b: 1 }] })).toBe('[{"a": 1.0, "b": 1}] 1.0');
  });

  it('turns a template that refuses the messages into a ConfigError', () => {
    const template = new ChatTemplate('{{ raise_exception("no tools, please") }}');
    expect(() => template.render([])).toThrow(ConfigError);
    expect(() => template.render([])).toThrow(/no tools, please/);
    expect(() => new ChatTemplate('{% if %}')).toThrow(ModelFormatError);
  });
});
