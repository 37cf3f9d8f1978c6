import { ConfigError } from '../binding/errors';
import { readRecord } from '../eval/benchmarks/neutral-file';
import { FieldProblem, shortPath } from '../eval/benchmarks/reading';
import { isObject, type Row } from '../eval/record-reader';
import { mapYielding } from '../io/yielding';
import type { TrainingLayout } from './layouts';
import { readHammerTraining } from './masked';
import { notesOn } from './notes';
import type { Piece } from './pieces';
import { readXlam } from './query-answers';
import { layoutsOf, TELLING_FIELDS } from './recognise';
import { cutOff, readPieces } from './row-source';
import { oneRecord, TaskList, type RowReader } from './task-list';
import { readToolAce } from './toolace';
import { readToolRl } from './toolrl';
import type { TrainingSet } from './training-set';

export interface TrainingTaskOptions {
  /** Default `auto`: told from the first records. */
  layout?: TrainingLayout | 'auto';
}

const readNeutral: RowReader = (row, place, list) =>
  oneRecord((given) => {
    const record = readRecord(given, `${place.file}, line ${place.line}`);
    list.requireNewId(record.id);
    return record;
  })(row, place, list);

const READERS: Readonly<Record<TrainingLayout, RowReader>> = {
  neutral: readNeutral,
  toolrl: readToolRl,
  xlam: readXlam,
  toolace: readToolAce,
  hammer: readHammerTraining,
};

/** So many rows without any layout's telling fields, and the file is none of them. */
const ROWS_TO_RECOGNISE = 50;

/**
 * Reads tasks to train on from JSON lines or a JSON list. Malformed records are left out and listed, records that cannot be learnt are left out
 * and counted. The file is read as a stream, and the event loop turns meanwhile.
 * @throws ConfigError for a file that cannot be read, is no JSON, is cut off, or holds records of none of the layouts or of another one
 */
export async function loadTrainingTasks(
  file: string,
  { layout = 'auto' }: TrainingTaskOptions = {},
): Promise<TrainingSet> {
  const loading = new Loading(file, layout);
  for await (const pieces of readPieces(file)) await mapYielding(pieces, (piece) => loading.read(piece));
  return loading.finish();
}

class Loading {
  private readonly list = new TaskList();
  private layout: TrainingLayout | undefined;
  /** Rows that are objects. */
  private rows = 0;
  private waiting: { row: Row; line: number }[] = [];

  constructor(
    private readonly file: string,
    private readonly asked: TrainingLayout | 'auto',
  ) {}

  read(piece: Piece): void {
    const row = this.parse(piece);
    if (row === undefined) return;
    if (this.layout !== undefined) return this.readRow(row, piece.line);
    const fits = layoutsOf(row);
    this.waiting.push({ row, line: piece.line });
    if (fits.length > 0) this.settle(this.choose(fits));
    else if (this.waiting.length >= ROWS_TO_RECOGNISE) this.settle(this.unrecognised());
  }

  async finish(): Promise<TrainingSet> {
    if (this.layout === undefined && this.waiting.length > 0) this.settle(this.unrecognised());
    const { records, problems, dropped } = this.list;
    const { file, layout } = this;
    if (layout === undefined || records.length === 0) throw this.nothingRead();
    return { file, layout, records, problems, dropped, notes: await notesOn(layout, records) };
  }

  private nothingRead(): ConfigError {
    const { problems, dropped } = this.list;
    const [first] = problems;
    const reasons = Object.entries(dropped).map(([reason, count]) => `${reason} ${count}`);
    const why = [
      ...(first ? [`record ${first.line}: ${first.message}`] : []),
      ...(reasons.length > 0 ? [`left out: ${reasons.join(', ')}`] : []),
      ...(this.rows === 0
        ? ['one JSON object per line or one list of objects is read; jq -c . puts each object on a line']
        : []),
    ];
    return new ConfigError(`${shortPath(this.file)}: holds no task that can be read (${why.join('; ')})`, {
      file: this.file,
    });
  }

  /** The row of a piece; undefined, with a problem on the list, where it is no JSON object. */
  private parse({ text, line, last }: Piece): Row | undefined {
    let row: Row | undefined;
    this.list.attempt(this.file, line, () => {
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch (cause) {
        if (last && this.rows > 0) throw cutOff(this.file, line);
        throw new FieldProblem('row', `is not valid JSON (${(cause as Error).message})`);
      }
      if (!isObject(value)) throw new FieldProblem('row', 'must be an object');
      row = value;
      this.rows++;
    });
    return row;
  }

  private settle(layout: TrainingLayout): void {
    this.layout = layout;
    const { waiting } = this;
    this.waiting = [];
    const before = this.rows - waiting.length;
    waiting.forEach(({ row, line }, index) => this.readRow(row, line, before + index));
  }

  private readRow(row: Row, line: number, index = this.rows - 1): void {
    READERS[this.layout!](row, { file: this.file, line, index }, this.list);
  }

  private choose(fits: readonly TrainingLayout[]): TrainingLayout {
    if (this.asked === 'auto') return fits[0]!;
    if (fits.includes(this.asked)) return this.asked;
    throw new ConfigError(
      `${shortPath(this.file)}: looks like the layout ${fits[0]}, ${TELLING_FIELDS[fits[0]!]}, not like ${this.asked}, ${TELLING_FIELDS[this.asked]}`,
      { file: this.file, asked: this.asked, found: fits[0] },
    );
  }

  private unrecognised(): TrainingLayout {
    if (this.asked !== 'auto') return this.asked;
    const layouts = Object.entries(TELLING_FIELDS).map(([name, fields]) => `${name} ${fields}`);
    const fields = Object.keys(this.waiting[0]!.row).slice(0, 12).join(', ');
    throw new ConfigError(
      `${shortPath(this.file)}: is of none of the layouts known: ${layouts.join('; ')}. Its first record has the fields ${fields || '(none)'}`,
      { file: this.file },
    );
  }
}
