import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { ModelFormatError } from '../../lib/binding/errors';
import { ggufTensorName, writeGguf } from '../../lib/bench/gguf';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tr0-gguf-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));

const CONFIG = {
  model_type: 'qwen2',
  vocab_size: 300,
  hidden_size: 4,
  intermediate_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
};

function model(config: object): string {
  const dir = fs.mkdtempSync(path.join(folder, 'm-'));
  fs.writeFileSync(path.join(dir, 'config.json'), JSON.stringify(config));
  const norm = Buffer.from(Uint16Array.of(0x3f80, 0x4000, 0x4040, 0x4080).buffer); // 1 2 3 4 in bfloat16
  const weight = Buffer.from(Uint16Array.from({ length: 32 }, (_, index) => index).buffer);
  const header = Buffer.from(
    JSON.stringify({
      'model.norm.weight': { dtype: 'BF16', shape: [4], data_offsets: [0, 8] },
      'model.layers.0.mlp.up_proj.weight': { dtype: 'BF16', shape: [8, 4], data_offsets: [8, 72] },
    }),
  );
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  fs.writeFileSync(path.join(dir, 'model.safetensors'), Buffer.concat([size, header, norm, weight]));
  return dir;
}

test('names follow llama.cpp', () => {
  expect(ggufTensorName('model.layers.12.self_attn.q_proj.bias')).toBe('blk.12.attn_q.bias');
  expect(ggufTensorName('model.layers.0.post_attention_layernorm.weight')).toBe('blk.0.ffn_norm.weight');
  expect(ggufTensorName('model.embed_tokens.weight')).toBe('token_embd.weight');
  expect(() => ggufTensorName('model.layers.0.mlp.router.weight')).toThrow(ModelFormatError);
});

test('a file has header, both tensors, widened vectors and aligned data', () => {
  const file = path.join(folder, 'model.gguf');
  writeGguf(model(CONFIG), file);
  const data = fs.readFileSync(file);
  expect(data.toString('latin1', 0, 4)).toBe('GGUF');
  expect(data.readUInt32LE(4)).toBe(3);
  expect(Number(data.readBigUInt64LE(8))).toBe(2);
  // 4 floats in 32 bytes, then 8 × 4 bfloat16 in 64.
  expect(data.length % 32).toBe(0);
  const tensors = data.subarray(data.length - 96);
  expect([0, 4, 8, 12].map((at) => tensors.readFloatLE(at))).toEqual([1, 2, 3, 4]);
  expect(Array.from({ length: 32 }, (_, index) => tensors.readUInt16LE(32 + 2 * index))).toEqual(
    Array.from({ length: 32 }, (_, index) => index),
  );
  // Extents are written fastest first.
  const name = Buffer.from('blk.0.ffn_up.weight');
  const at = data.indexOf(name) + name.length;
  expect(data.readUInt32LE(at)).toBe(2);
  expect([Number(data.readBigUInt64LE(at + 4)), Number(data.readBigUInt64LE(at + 12))]).toEqual([4, 8]);
  expect(data.readUInt32LE(at + 20)).toBe(30);
});

test('another family is refused', () => {
  expect(() => writeGguf(model({ ...CONFIG, model_type: 'llama' }), path.join(folder, 'x.gguf'))).toThrow(
    /only qwen2/,
  );
});
