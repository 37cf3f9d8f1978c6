/** Whether what a long command will write can be written, told before its work begins. */
import * as fs from 'node:fs';
import * as path from 'node:path';

import { ConfigError } from '../binding/errors';

const isFolder = (place: string): boolean => fs.existsSync(place) && fs.statSync(place).isDirectory();

/** Asks the file system by making an empty folder: rights alone do not tell (root, /proc, a full or read-only disk). */
function canMakeIn(folder: string): boolean {
  try {
    fs.rmdirSync(fs.mkdtempSync(path.join(folder, '.tool-r0-')));
    return true;
  } catch {
    return false;
  }
}

/** @throws ConfigError when no file can be written at `file`: its folder is missing or refuses, or it is a folder itself */
export function checkOutputFile(flag: string, file: string): void {
  if (/[\\/]$/.test(file) || isFolder(file))
    throw new ConfigError(`${flag} ${file}: is a folder; name a file`, { file });
  // It is replaced by a rename: a device or a pipe would be gone.
  if (fs.existsSync(file) && !fs.statSync(file).isFile())
    throw new ConfigError(`${flag} ${file}: is a device or a pipe; name a file`, { file });
  const folder = path.dirname(path.resolve(file));
  if (!fs.existsSync(folder))
    throw new ConfigError(`${flag} ${file}: there is no folder '${path.dirname(file)}'; make it first`, {
      file,
    });
  if (!isFolder(folder))
    throw new ConfigError(`${flag} ${file}: '${path.dirname(file)}' is a file, not a folder`, { file });
  if (!canMakeIn(folder))
    throw new ConfigError(`${flag} ${file}: no file can be made in '${path.dirname(file)}'; choose another`, {
      file,
    });
}

/** @throws ConfigError when `dir` is no folder and cannot be made, or takes no files */
export function checkOutputFolder(flag: string, dir: string): void {
  let nearest = path.resolve(dir);
  while (!fs.existsSync(nearest)) nearest = path.dirname(nearest);
  const isItself = nearest === path.resolve(dir);
  if (!isFolder(nearest)) {
    const what = isItself
      ? 'is a file; name a folder'
      : `'${path.isAbsolute(dir) ? nearest : path.relative('', nearest)}' is a file`;
    throw new ConfigError(`${flag} ${dir}: ${what}`, { dir });
  }
  if (!canMakeIn(nearest)) {
    const what = isItself ? 'no file can be made in it' : 'it cannot be made';
    throw new ConfigError(`${flag} ${dir}: ${what}; choose another folder`, { dir });
  }
}
