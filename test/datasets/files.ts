import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

/** A folder for the files of one test. */
export class TestFolder {
  readonly path = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-datasets-'));

  write(name: string, content: string | Buffer): string {
    const file = path.join(this.path, name);
    fs.writeFileSync(file, content);
    return file;
  }

  list(name: string, rows: readonly unknown[]): string {
    return this.write(name, JSON.stringify(rows, null, 1));
  }

  lines(name: string, rows: readonly unknown[]): string {
    return this.write(name, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  }

  remove(): void {
    fs.rmSync(this.path, { recursive: true });
  }
}
