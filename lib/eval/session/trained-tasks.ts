import * as fs from 'node:fs';
import * as path from 'node:path';

import { ConfigError } from '../../binding/errors';
import type { Task } from '../../tasks/task';
import { readNeutralFile } from '../benchmarks/neutral-file';
import { isObject, RecordReader, type Row } from '../record-reader';

/** What is compared with an exam. */
export type TrainedTask = Pick<Task, 'id' | 'question' | 'gold' | 'tools'>;

const GIVEN = 'training-tasks.jsonl';
const CANDIDATES = /^iteration-(\d+)\.jsonl$/;

/** Tasks that a model is or was trained on, of a run or a file. */
export interface TrainedTasks {
  tasks: TrainedTask[];
  /** Files they were read from. */
  files: string[];
  /** Lines of a user's file that are no task. */
  malformed: number;
}

/**
 * Reads what to compare with an exam: a file of tasks (JSON lines), or what a run of `train` has trained on: the given tasks of `--tasks`, else
 * the selected candidates of every iteration so far, under the ids `iteration-2/17`.
 * @throws ConfigError for a folder without a run, a run that has selected nothing yet, and a row that cannot be read
 */
export async function readTrainedTasks(place: string): Promise<TrainedTasks> {
  if (!fs.existsSync(place) || !fs.statSync(place).isDirectory()) {
    const { records, problems } = await readNeutralFile(place);
    return { tasks: records, files: [place], malformed: problems.length };
  }
  const given = path.join(place, GIVEN);
  if (fs.existsSync(given)) return { tasks: rowsOf(given).map(taskOf(given)), files: [given], malformed: 0 };
  const folder = path.join(place, 'candidates');
  const files = (fs.existsSync(folder) ? fs.readdirSync(folder) : [])
    .filter((name) => CANDIDATES.test(name))
    .sort((a, b) => iterationOf(a) - iterationOf(b))
    .map((name) => path.join(folder, name));
  const tasks = files.flatMap(selectedIn);
  if (tasks.length > 0) return { tasks, files, malformed: 0 };
  const isRun = fs.existsSync(path.join(place, 'config.resolved.yaml'));
  throw new ConfigError(
    isRun
      ? `--contamination ${place}: this run has selected no task to train on yet`
      : `--contamination ${place}: is no run folder (neither ${GIVEN} nor candidates/ in it), and no file of tasks`,
    { place },
  );
}

const iterationOf = (name: string): number => Number(CANDIDATES.exec(name)?.[1]);

function rowsOf(file: string): Row[] {
  return fs
    .readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, index) => {
      if (line === '') return [];
      try {
        const row: unknown = JSON.parse(line);
        if (isObject(row)) return [row];
      } catch {
        // Told below, as a line of another kind is.
      }
      throw new ConfigError(`${file}, line ${index + 1}: is no task`, { file, line: index + 1 });
    });
}

const taskOf = (file: string) => (row: Row, index: number) =>
  new RecordReader(`${file}, row ${index + 1}`, { file }).task(row);

function selectedIn(file: string): TrainedTask[] {
  const iteration = path.basename(file, '.jsonl');
  return rowsOf(file)
    .filter((row) => row['verdict'] === 'selected')
    .map((row) => ({ ...row, id: `${iteration}/${JSON.stringify(row['index'])}` }))
    .map(taskOf(file));
}
