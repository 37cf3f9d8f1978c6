import * as fs from 'node:fs';

/**
 * The lines of a UTF-8 file of any size, without their `\n`; an empty last one is none. Not node:readline, which in newer versions of Node also breaks
 * lines at U+2028 and U+2029: these may stand raw inside strings of JSON.
 */
export async function* linesOf(file: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of fs.createReadStream(file, 'utf8')) {
    const lines = (rest + (chunk as string)).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== '') yield rest;
}
