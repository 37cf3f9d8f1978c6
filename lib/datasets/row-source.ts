import * as fs from 'node:fs';

import { ConfigError } from '../binding/errors';
import { causeOf, shortPath } from '../eval/benchmarks/reading';
import { LineCutter, ListCutter, type Cutter, type Piece } from './pieces';

const CHUNK_BYTES = 64 * 1024;
/** Published records are a few kilobytes long. */
const MAX_RECORD_BYTES = 64 * 2 ** 20;
/** Enough of a file to know what it is. */
const HEAD_BYTES = 4096;
const BYTE_ORDER_MARK = '\ufeff';

/**
 * The texts of a file's rows, chunk by chunk: one JSON object per line, or one JSON list, whatever the file is called.
 * @throws ConfigError for a file that is neither, and that says what to do
 */
export async function* readPieces(file: string): AsyncGenerator<Piece[]> {
  const head = await readHead(file);
  const cutter: Cutter = requireJson(file, head).startsWith('[') ? new ListCutter() : new LineCutter();
  const skipped = head.subarray(0, 3).toString('utf8') === BYTE_ORDER_MARK ? 3 : 0;
  for await (const chunk of fs.createReadStream(file, { highWaterMark: CHUNK_BYTES, start: skipped })) {
    yield cutter.push(chunk as Buffer);
    if (cutter.held > MAX_RECORD_BYTES) {
      throw new ConfigError(
        `${shortPath(file)}: record ${cutter.line} is longer than ${MAX_RECORD_BYTES / 2 ** 20} MiB: a quotation mark that is never closed, or a file that is neither a list nor one object per line?`,
        { file, line: cutter.line },
      );
    }
  }
  const { pieces, open } = cutter.end();
  yield pieces;
  if (open) throw cutOff(file, cutter.line);
}

export const cutOff = (file: string, line: number): ConfigError =>
  new ConfigError(
    `${shortPath(file)}: record ${line} does not end before the file does: a download or copy that was cut off? Fetch it again`,
    { file, line },
  );

async function readHead(file: string): Promise<Buffer> {
  try {
    const handle = await fs.promises.open(file, 'r');
    try {
      if ((await handle.stat()).isDirectory()) {
        throw new ConfigError(`${shortPath(file)}: is a folder: name the file of tasks in it`, { file });
      }
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(
      `${shortPath(file)}: cannot be read (${causeOf(cause, file)})`,
      { file },
      { cause },
    );
  }
}

/** How files that are no JSON begin, and how one gets JSON lines out of them. */
const OTHER_KINDS: readonly [beginning: Buffer, cure: (name: string) => string][] = [
  [
    Buffer.from('PAR1'),
    (name) =>
      `is a parquet file: convert it to JSON lines, with python3 -c "import pandas; pandas.read_parquet('${name}').to_json('${name}.jsonl', orient='records', lines=True)" or duckdb -c "COPY (FROM '${name}') TO '${name}.jsonl' (FORMAT json)"`,
  ],
  [Buffer.from([0x1f, 0x8b]), (name) => `is compressed with gzip: unpack it with gunzip -k ${name}`],
  [Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), (name) => `is compressed with zstd: unpack it with unzstd ${name}`],
  [Buffer.from('PK\x03\x04'), (name) => `is a zip archive: unpack it with unzip ${name}`],
  [
    Buffer.from('ARROW1'),
    (name) =>
      `is an Arrow file: convert it to JSON lines, with python3 -c "import pandas; pandas.read_feather('${name}').to_json('${name}.jsonl', orient='records', lines=True)"`,
  ],
  [
    Buffer.from('version https://git-lfs'),
    () =>
      'is a Git LFS pointer, not the data: fetch the data with git lfs pull, or from where the data set is published',
  ],
  [Buffer.from([0xff, 0xfe]), (name) => `is UTF-16: convert it with iconv -f UTF-16 -t UTF-8 ${name}`],
  [Buffer.from([0xfe, 0xff]), (name) => `is UTF-16: convert it with iconv -f UTF-16 -t UTF-8 ${name}`],
];

/** The beginning of the file's JSON. */
function requireJson(file: string, head: Buffer): string {
  const refuse = (problem: string): never => {
    throw new ConfigError(`${shortPath(file)}: ${problem}`, { file });
  };
  const kind = OTHER_KINDS.find(([beginning]) => head.subarray(0, beginning.length).equals(beginning));
  if (kind) return refuse(kind[1](shortPath(file)));
  const text = head.toString('utf8').replace(BYTE_ORDER_MARK, '').trimStart();
  if (text === '') return refuse('is empty: download it again');
  if (!/^[[{]/.test(text)) {
    return refuse(
      `is neither a JSON list nor JSON lines: it begins with ${JSON.stringify(text.slice(0, 40))}. Tables convert with python3 -c "import pandas; pandas.read_csv('in.csv').to_json('out.jsonl', orient='records', lines=True)"`,
    );
  }
  return text;
}
