import * as fs from 'node:fs';
import * as path from 'node:path';

import { ModelFormatError } from '../binding/errors';
import { isPromptSetName, PROMPT_SETS, type PromptSetName } from '../roles/prompt-sets';
import { readModelJson, writeFileAtomic } from './model-folder';

/** A small file beside the weights: which wording the model was trained on. Folders without one are ordinary base models. */
export const ROLE_FILE = 'tool_r0.json';

export interface RoleFile {
  prompts: PromptSetName;
  role?: 'base' | 'solver' | 'generator';
}

/** @throws ModelFormatError when the file is there but wrong */
export function readRoleFile(dir: string): RoleFile {
  const file = path.join(dir, ROLE_FILE);
  if (!fs.existsSync(file)) return { prompts: 'standard' };
  const { prompts, role } = readModelJson(file);
  if (!isPromptSetName(prompts)) {
    throw new ModelFormatError(`${file}: 'prompts' must be one of ${Object.keys(PROMPT_SETS).join(', ')}`, {
      file,
      prompts,
    });
  }
  return { prompts, role: role as RoleFile['role'] };
}

export function writeRoleFile(dir: string, contents: RoleFile): void {
  writeFileAtomic(path.join(dir, ROLE_FILE), `${JSON.stringify(contents, null, 2)}\n`);
}
