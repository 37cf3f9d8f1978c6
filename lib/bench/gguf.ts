import * as fs from 'node:fs';
import * as path from 'node:path';

import { ModelFormatError } from '../binding/errors';
import { readModelJson } from '../policy/model-folder';

/** GGUF file format, version 3: little-endian header, key-values, tensor table, then tensor data aligned to 32 bytes. */
const MAGIC = 0x46554747;
const VERSION = 3;
const ALIGNMENT = 32;
const VALUE = { uint32: 4, int32: 5, float32: 6, string: 8, array: 9 } as const;
const TENSOR = { F32: 0, BF16: 30 } as const;

type Scalar = 'uint32' | 'int32' | 'float32' | 'string';
type Value =
  | readonly [type: Scalar, value: number | string]
  | readonly [type: 'array', value: { of: Scalar; items: readonly (number | string)[] }];

/** Ids 16 … 271 stand for bytes, which llama.cpp looks up; the others are words nothing ever reads. */
const FIRST_BYTE = 16;
const NORMAL_TOKEN = 1;
const BYTE_TOKEN = 6;
const isByte = (id: number) => id >= FIRST_BYTE && id < FIRST_BYTE + 256;
const tokenText = (id: number) =>
  isByte(id) ? `<0x${(id - FIRST_BYTE).toString(16).toUpperCase().padStart(2, '0')}>` : `t${id}`;

/** Names of one layer's tensors: Hugging Face's → GGUF's. */
const LAYER_NAMES: Readonly<Record<string, string>> = {
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};
const OUTER_NAMES: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'model.norm': 'output_norm',
  lm_head: 'output',
};

interface SafetensorsEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** `model.layers.3.mlp.up_proj.weight` → `blk.3.ffn_up.weight`. */
export function ggufTensorName(name: string): string {
  const parts = /^(.*)\.(weight|bias)$/.exec(name);
  const layer = /^model\.layers\.(\d+)\.(.*)$/.exec(parts?.[1] ?? '');
  const mapped = layer ? LAYER_NAMES[layer[2]!] : OUTER_NAMES[parts?.[1] ?? ''];
  if (!parts || mapped === undefined) throw new ModelFormatError(`${name}: no such tensor in GGUF`);
  return `${layer ? `blk.${layer[1]}.` : ''}${mapped}.${parts[2]}`;
}

/** Key-values of a Qwen2 model. Its vocabulary is made up (`t7` is id 7): the benchmark speaks in token ids, but a file needs one. */
function metadata(config: Record<string, unknown>): [string, Value][] {
  const number = (key: string) => {
    const value = config[key];
    if (typeof value !== 'number') throw new ModelFormatError(`config.json: ${key} must be a number`);
    return value;
  };
  const heads = number('num_attention_heads');
  const vocabulary = Array.from({ length: number('vocab_size') }, (_, id) => id);
  return [
    ['general.architecture', ['string', 'qwen2']],
    ['general.name', ['string', 'benchmark']],
    ['general.alignment', ['uint32', ALIGNMENT]],
    ['qwen2.vocab_size', ['uint32', number('vocab_size')]],
    ['qwen2.context_length', ['uint32', number('max_position_embeddings')]],
    ['qwen2.embedding_length', ['uint32', number('hidden_size')]],
    ['qwen2.block_count', ['uint32', number('num_hidden_layers')]],
    ['qwen2.feed_forward_length', ['uint32', number('intermediate_size')]],
    ['qwen2.attention.head_count', ['uint32', heads]],
    ['qwen2.attention.head_count_kv', ['uint32', number('num_key_value_heads')]],
    ['qwen2.rope.dimension_count', ['uint32', number('hidden_size') / heads]],
    ['qwen2.rope.freq_base', ['float32', number('rope_theta')]],
    ['qwen2.attention.layer_norm_rms_epsilon', ['float32', number('rms_norm_eps')]],
    ['tokenizer.ggml.model', ['string', 'llama']],
    ['tokenizer.ggml.tokens', ['array', { of: 'string', items: vocabulary.map(tokenText) }]],
    ['tokenizer.ggml.scores', ['array', { of: 'float32', items: vocabulary.map((id) => -id) }]],
    [
      'tokenizer.ggml.token_type',
      ['array', { of: 'int32', items: vocabulary.map((id) => (isByte(id) ? BYTE_TOKEN : NORMAL_TOKEN)) }],
    ],
    ['tokenizer.ggml.bos_token_id', ['uint32', 0]],
    ['tokenizer.ggml.eos_token_id', ['uint32', 1]],
  ];
}

class Bytes {
  private readonly parts: Buffer[] = [];
  length = 0;

  uint32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeUInt32LE(value);
    return this.push(part);
  }

  uint64(value: number): this {
    const part = Buffer.alloc(8);
    part.writeBigUInt64LE(BigInt(value));
    return this.push(part);
  }

  string(text: string): this {
    const part = Buffer.from(text, 'utf8');
    return this.uint64(part.length).push(part);
  }

  value(value: Value): this {
    this.uint32(VALUE[value[0]]);
    if (value[0] !== 'array') return this.scalar(value[0], value[1]);
    const { of, items } = value[1];
    this.uint32(VALUE[of]).uint64(items.length);
    for (const item of items) this.scalar(of, item);
    return this;
  }

  private scalar(type: Scalar, value: number | string): this {
    if (typeof value === 'string') return this.string(value);
    const part = Buffer.alloc(4);
    if (type === 'float32') part.writeFloatLE(value);
    else part.writeInt32LE(value);
    return this.push(part);
  }

  padTo(alignment: number): this {
    return this.push(Buffer.alloc((alignment - (this.length % alignment)) % alignment));
  }

  concat(): Buffer {
    return Buffer.concat(this.parts);
  }

  private push(part: Buffer): this {
    this.parts.push(part);
    this.length += part.length;
    return this;
  }
}

/** 1-d tensors are fp32 in GGUF: bf16 is the upper half of it. */
function widen(data: Buffer): Buffer {
  const wide = Buffer.alloc(data.length * 2);
  for (let index = 0; index < data.length; index += 2)
    wide.writeUInt16LE(data.readUInt16LE(index), index * 2 + 2);
  return wide;
}

/**
 * Writes the model of a Hugging Face folder (Qwen2, one model.safetensors in float32 or bfloat16) as a GGUF file with a made-up
 * vocabulary, one tensor in memory at a time.
 * @throws ModelFormatError for another family or dtype
 */
export function writeGguf(folder: string, file: string): void {
  const config = readModelJson(path.join(folder, 'config.json'));
  if (config['model_type'] !== 'qwen2')
    throw new ModelFormatError(
      `${folder}: only qwen2 is written as GGUF, not ${String(config['model_type'])}`,
    );
  const source = fs.openSync(path.join(folder, 'model.safetensors'), 'r');
  const target = fs.openSync(file, 'w');
  try {
    const size = Buffer.alloc(8);
    fs.readSync(source, size, 0, 8, 0);
    const headerLength = Number(size.readBigUInt64LE());
    const headerText = Buffer.alloc(headerLength);
    fs.readSync(source, headerText, 0, headerLength, 8);
    const { __metadata__: _, ...entries } = JSON.parse(headerText.toString('utf8')) as Record<
      string,
      SafetensorsEntry
    >;
    let offset = 0;
    const tensors = Object.entries(entries).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => {
        if (dtype !== 'F32' && dtype !== 'BF16')
          throw new ModelFormatError(`${name}: ${dtype} is not written as GGUF`);
        const isWidened = dtype === 'BF16' && shape.length === 1;
        const bytes = (to - from) * (isWidened ? 2 : 1);
        const tensor = {
          name: ggufTensorName(name),
          shape,
          type: isWidened ? TENSOR.F32 : TENSOR[dtype],
          from: 8 + headerLength + from,
          length: to - from,
          isWidened,
          offset,
        };
        offset += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
        return tensor;
      },
    );
    const values = metadata(config);
    const head = new Bytes().uint32(MAGIC).uint32(VERSION).uint64(tensors.length).uint64(values.length);
    for (const [key, value] of values) head.string(key).value(value);
    for (const { name, shape, type, offset: at } of tensors) {
      head.string(name).uint32(shape.length);
      for (const extent of [...shape].reverse()) head.uint64(extent);
      head.uint32(type).uint64(at);
    }
    const start = head.padTo(ALIGNMENT).length;
    fs.writeSync(target, head.concat());
    for (const { from, length, isWidened, offset: at } of tensors) {
      const data = Buffer.alloc(length);
      fs.readSync(source, data, 0, length, from);
      fs.writeSync(target, isWidened ? widen(data) : data, undefined, undefined, start + at);
    }
    fs.ftruncateSync(target, start + Math.ceil(offset / ALIGNMENT) * ALIGNMENT);
  } finally {
    fs.closeSync(source);
    fs.closeSync(target);
  }
}
