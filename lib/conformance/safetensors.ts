import * as fs from 'node:fs';

/** The fp32 tensors of a safetensors file, flat, by name. For oracle files; models are read by the native core. */
export function readSafetensors(file: string): Map<string, Float32Array> {
  const bytes = fs.readFileSync(file);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength)) as Record<
    string,
    { dtype: string; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, Float32Array>();
  for (const [name, { dtype, data_offsets }] of Object.entries(header)) {
    if (dtype !== 'F32') continue;
    const [begin, end] = data_offsets.map((offset) => 8 + headerLength + offset) as [number, number];
    tensors.set(name, new Float32Array(new Uint8Array(bytes.subarray(begin, end)).buffer));
  }
  return tensors;
}
