import * as fs from 'node:fs';
import * as path from 'node:path';

import { ConfigError, IoError, ModelFormatError } from '../binding/errors';
import { makeFolders } from '../io/files';

/** Files of a Hugging Face model folder that travel with the weights, unchanged unless said otherwise. */
const CARRIED_FILES = [
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'tool_r0.json',
  'vocab.json',
  'merges.txt',
  'LICENSE',
  'NOTICE',
];

/** `Qwen/Qwen2.5-1.5B` and the like: a name on the Hugging Face hub, not a folder. */
const HUB_NAME = /^[\w.-]+\/[\w.-]+$/;

/**
 * Checks that `dir` is a folder with a config.json.
 * @throws ConfigError when it is a hub name or no folder; ModelFormatError when config.json is missing.
 */
export function checkModelFolder(dir: string): void {
  if (!fs.existsSync(dir) || !fs.statSync(dir).isDirectory()) {
    if (HUB_NAME.test(dir)) {
      const name = dir.split('/')[1];
      throw new ConfigError(
        `model: '${dir}' is not a folder. It looks like a Hugging Face hub name; nothing is downloaded by itself. ` +
          `Fetch it first: pip install huggingface_hub && hf download ${dir} --local-dir ./${name}, then pass --model ./${name}`,
        { model: dir },
      );
    }
    throw new ConfigError(`model: no folder at '${dir}'`, { model: dir });
  }
  if (!fs.existsSync(path.join(dir, 'config.json'))) {
    throw new ModelFormatError(
      `${path.join(dir, 'config.json')}: not found. A model folder holds config.json, *.safetensors and tokenizer.json`,
      { file: path.join(dir, 'config.json') },
    );
  }
}

/** Parses a JSON file of a model folder. @throws ModelFormatError naming the file. */
export function readModelJson(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ModelFormatError(`${file}: cannot be read (${(cause as Error).message})`, { file }, { cause });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch (cause) {
    throw new ModelFormatError(`${file}: not valid JSON (${(cause as Error).message})`, { file }, { cause });
  }
  throw new ModelFormatError(`${file}: must hold a JSON object`, { file });
}

/** Writes `data` to a temporary name beside `file`, flushes it and renames it. @throws IoError; nothing half-written stays. */
export function writeFileAtomic(file: string, data: string | Uint8Array): void {
  const temporary = `${file}.tmp-${process.pid}`;
  try {
    const handle = fs.openSync(temporary, 'w');
    try {
      fs.writeFileSync(handle, data);
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(temporary, file);
  } catch (cause) {
    fs.rmSync(temporary, { force: true });
    throw new IoError(`${file}: cannot be written (${(cause as Error).message})`, { file }, { cause });
  }
}

/**
 * Prepares `dir` for a model of `sourceDir` whose weights will be written as one model.safetensors in `dtype`: makes the folder,
 * copies tokenizer, templates and generation settings, and writes config.json with its dtype brought up to date.
 * @throws ConfigError when `dir` already holds a sharded model (its index would contradict the new file); IoError.
 */
export function writeModelFolderFiles(sourceDir: string, dir: string, dtype: string): void {
  if (fs.existsSync(path.join(dir, 'model.safetensors.index.json'))) {
    throw new ConfigError(`${dir}: holds a sharded model already; save into another folder`, { dir });
  }
  try {
    makeFolders(dir);
  } catch (cause) {
    throw new IoError(`${dir}: cannot be created (${(cause as Error).message})`, { dir }, { cause });
  }
  const sameFolder = path.resolve(sourceDir) === path.resolve(dir);
  for (const name of CARRIED_FILES) {
    const source = path.join(sourceDir, name);
    if (!sameFolder && fs.existsSync(source)) writeFileAtomic(path.join(dir, name), fs.readFileSync(source));
  }
  const config = readModelJson(path.join(sourceDir, 'config.json'));
  // transformers 5 writes `dtype`, earlier versions `torch_dtype`; keep the folder's own style.
  config['dtype' in config ? 'dtype' : 'torch_dtype'] = dtype;
  writeFileAtomic(path.join(dir, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
}
