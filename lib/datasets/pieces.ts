/** The text of one row, before it is parsed. */
export interface Piece {
  /** Line of a JSON-lines file, or place in a JSON list, from 1. */
  line: number;
  text: string;
  /** The file ends within it, or right after it without a line break. */
  last: boolean;
}

/** Cuts a file that comes in chunks into the texts of its rows. */
export interface Cutter {
  /** Line or place of the row that is being gathered, and its bytes so far. */
  readonly line: number;
  readonly held: number;
  push(chunk: Buffer): Piece[];
  /** What is left at the end of the file. `open`: the file ends before its list does. */
  end(): { pieces: Piece[]; open: boolean };
}

/** Collects the bytes of a piece over the chunks it lies in. */
class Gathered {
  private parts: Buffer[] = [];
  bytes = 0;

  add(part: Buffer): void {
    if (part.length === 0) return;
    this.parts.push(part);
    this.bytes += part.length;
  }

  take(): string {
    const text = (this.parts.length === 1 ? this.parts[0]! : Buffer.concat(this.parts)).toString('utf8');
    this.parts = [];
    this.bytes = 0;
    return text;
  }
}

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
/** Brackets and braces differ in this bit alone. */
const BRACE_BIT = 0x20;
const OPENING = 0x5b;
const CLOSING = 0x5d;

/** One row per line; blank lines are no rows. */
export class LineCutter implements Cutter {
  private readonly gathered = new Gathered();
  line = 1;

  get held(): number {
    return this.gathered.bytes;
  }

  push(chunk: Buffer): Piece[] {
    const pieces: Piece[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.gathered.add(chunk.subarray(start, end));
      pieces.push(...this.take(false));
      this.line++;
      start = end + 1;
    }
    this.gathered.add(chunk.subarray(start));
    return pieces;
  }

  end() {
    return { pieces: this.take(true), open: false };
  }

  private take(last: boolean): Piece[] {
    const text = this.gathered.take();
    return text.trim() === '' ? [] : [{ line: this.line, text, last }];
  }
}

/**
 * The items of a JSON list, found by counting brackets outside of strings, so that neither the text of a large file nor all of its values need
 * to be in memory at once, as they would with one JSON.parse. What stands between two commas is an item, well-formed or not.
 */
export class ListCutter implements Cutter {
  private readonly gathered = new Gathered();
  line = 1;
  /** Brackets open; 1 is within the list and outside of its items. */
  private depth = 0;
  private inString = false;
  private escaped = false;
  private ended = false;

  get held(): number {
    return this.gathered.bytes;
  }

  push(chunk: Buffer): Piece[] {
    const pieces: Piece[] = [];
    let start = 0;
    for (let at = 0; at < chunk.length && !this.ended; at++) {
      const byte = chunk[at]!;
      if (this.inString) {
        if (this.escaped) this.escaped = false;
        else if (byte === BACKSLASH) this.escaped = true;
        else if (byte === QUOTE) this.inString = false;
      } else if (byte === QUOTE) this.inString = true;
      else if ((byte & ~BRACE_BIT) === OPENING) {
        if (this.depth++ === 0) start = at + 1;
      } else if ((byte & ~BRACE_BIT) === CLOSING) this.ended = --this.depth === 0;
      if (this.ended || (byte === COMMA && this.depth === 1 && !this.inString)) {
        this.gathered.add(chunk.subarray(start, at));
        pieces.push(...this.take());
        start = at + 1;
      }
    }
    if (!this.ended) this.gathered.add(chunk.subarray(start));
    return pieces;
  }

  end() {
    return { pieces: [], open: !this.ended };
  }

  private take(): Piece[] {
    const text = this.gathered.take();
    return text.trim() === '' ? [] : [{ line: this.line++, text, last: false }];
  }
}
