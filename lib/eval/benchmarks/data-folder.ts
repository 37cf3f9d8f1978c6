import * as fs from 'node:fs';
import * as path from 'node:path';

import { ConfigError } from '../../binding/errors';
import { causeOf } from './reading';

const MAX_DEPTH = 16;
const SKIPPED = new Set(['node_modules', '.git', '.hg', '.svn']);

/**
 * A folder of downloaded benchmarks, searched recursively. A file is named as upstream names it (`possible_answer/BFCL_v4_multiple.json`) and
 * is also found with `/` written as `.` (`possible_answer.BFCL_v4_multiple.json`), however deep it lies.
 */
export class DataFolder {
  /** Paths relative to `dir`, `/` written as `.`, in order. */
  private readonly entries: readonly { dotted: string; file: string }[];

  /** @throws ConfigError when the folder cannot be read */
  constructor(readonly dir: string) {
    const files: string[] = [];
    const seen = new Set<string>();
    const walk = (folder: string, depth: number): void => {
      const real = fs.realpathSync(folder);
      if (depth > MAX_DEPTH || seen.has(real)) return;
      seen.add(real);
      for (const name of fs.readdirSync(folder).sort()) {
        const file = path.join(folder, name);
        const stat = fs.statSync(file, { throwIfNoEntry: false });
        if (stat?.isDirectory() && !SKIPPED.has(name)) walk(file, depth + 1);
        else if (stat?.isFile()) files.push(file);
      }
    };
    try {
      walk(dir, 0);
    } catch (cause) {
      throw new ConfigError(
        `--data ${dir}: cannot be read as a folder (${causeOf(cause, dir)})`,
        { dir },
        { cause },
      );
    }
    this.entries = files.map((file) => ({
      dotted: `.${path.relative(dir, file).split(path.sep).join('.')}`,
      file,
    }));
  }

  /**
   * The file of an upstream name. Of several one whose path holds the first word of `prefer`, then the second, …, then the shortest path.
   * @param avoid a file whose path holds one of these is never taken
   */
  find(
    upstreamName: string,
    { prefer = [], avoid = [] }: { prefer?: readonly string[]; avoid?: readonly string[] } = {},
  ): string | undefined {
    const suffix = `.${upstreamName.split('/').join('.')}`;
    const holds = (dotted: string, word: string) => dotted.toLowerCase().includes(word);
    // As digits of a binary number: an earlier word outweighs all later ones.
    const rank = (dotted: string) => prefer.reduce((sum, word) => 2 * sum + Number(holds(dotted, word)), 0);
    return this.entries
      .filter(({ dotted }) => dotted.endsWith(suffix) && !avoid.some((word) => holds(dotted, word)))
      .map((entry) => ({ ...entry, preferred: rank(entry.dotted) }))
      .sort((a, b) => b.preferred - a.preferred || a.dotted.length - b.dotted.length)[0]?.file;
  }
}
