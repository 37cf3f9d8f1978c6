import { BENCHMARKS } from '../benchmarks/catalog';
import type { ErrorKind, ValueErrorKind } from '../diagnose';
import { PAPER_COLUMNS, type PublishedRow } from '../published-results';
import type { ContaminationReport } from '../session/contamination-check';
import type { PairedComparison } from '../session/compare';
import type { RecordProblem } from '../neutral-record';
import type { EvaluationReport, SetReport } from '../session/report';
import { alignColumns, intervalOf, percentOf } from './columns';

const MEAN = 'mean';
const titleOf = (name: string) => BENCHMARKS.find((entry) => entry.name === name)?.title ?? name;

/** Columns in the paper's order: its five sets that were asked for, the mean where they are several, then the others. */
export function columnsOf({ sets, missing }: Pick<EvaluationReport, 'sets' | 'missing'>): string[] {
  const asked = new Set([...Object.keys(sets), ...Object.keys(missing)]);
  const paper = PAPER_COLUMNS.filter((name) => asked.has(name));
  const others = [...asked].filter((name) => !(PAPER_COLUMNS as readonly string[]).includes(name));
  return [...paper, ...(paper.length > 1 ? [MEAN] : []), ...others];
}

/** Rows of the main table: header, figures, intervals, tasks, and the paper's figures for the same base model. */
export function tableRows(report: EvaluationReport): string[][] {
  const { sets, mean, published } = report;
  const columns = columnsOf(report);
  const cells = (label: string, cell: (set: SetReport | undefined, name: string) => string) => [
    label,
    ...columns.map((name) => cell(sets[name], name)),
  ];
  const ks = Object.keys(Object.values(sets)[0]?.passAt ?? {});
  const withSeeds = Object.values(sets).some(({ seeds }) => seeds);
  const paperRow = ({ label, values, mean: average }: PublishedRow) =>
    cells(`paper: ${label}`, (_, name) =>
      name === MEAN ? average.toFixed(2) : (values?.[name as keyof typeof values]?.toFixed(2) ?? ''),
    );
  return [
    cells('', (set, name) => set?.title ?? titleOf(name)),
    cells('accuracy, %', (set, name) => percentOf(name === MEAN ? mean?.accuracy : set?.accuracy)),
    cells('95 % interval', (set, name) => intervalOf(name === MEAN ? mean?.interval : set?.interval)),
    ...ks.map((k) => cells(`pass@${k}, %`, (set) => (set ? percentOf(set.passAt?.[k]?.value) : ''))),
    ...(withSeeds
      ? [cells('± over seeds', (set) => (set?.seeds ? (100 * set.seeds.standardDeviation).toFixed(2) : ''))]
      : []),
    cells('tasks', (set) => (set ? String(set.tasks) : '')),
    ...(published ? [paperRow(published.base), paperRow(published.toolR0)] : []),
  ];
}

/** Malformed lines that are told one by one. */
const MOST_LINES = 5;
/** Parts of a set that are told one by one; all are in the JSON object and in the report. */
const MOST_PARTS = 12;

const ERROR_WORDS: Readonly<Record<ErrorKind, string>> = {
  no_parse: 'no readable call',
  wrong_tool: 'wrong tool',
  wrong_number_of_calls: 'wrong number of calls',
  missing_argument: 'missing argument',
  extra_argument: 'extra argument',
  wrong_value: 'wrong value',
  order: 'wrong order',
};
const VALUE_WORDS: Readonly<Record<ValueErrorKind, string>> = {
  type: 'of another type',
  format: 'in another format',
  ungrounded: 'not in the question',
  other: 'in the question, but not the right one',
};
export const errorWord = (kind: string): string => ERROR_WORDS[kind as ErrorKind] ?? kind;
export const valueErrorWord = (kind: string): string => VALUE_WORDS[kind as ValueErrorKind] ?? kind;

/** What else is to be said of each set: parts, errors, what was left out, what to know. */
export function remarks(report: EvaluationReport): string[] {
  return [
    ...Object.values(report.sets).flatMap((set) => {
      const lines = remarksOf(set, report.settings['candidates'] === 'shuffled');
      return lines.map((line) => `${set.title}: ${line}`);
    }),
    ...generalRemarks(report),
  ];
}

/** What is to be said of no set: those that are absent, and lines of the predictions that none of them has. */
export function generalRemarks(report: EvaluationReport): string[] {
  return [
    ...Object.values(report.missing),
    ...(report.unknownPredictions
      ? [`${report.unknownPredictions} ids of the predictions belong to none of the sets`]
      : []),
    ...malformedLines(report.malformedPredictions ?? []),
  ];
}

function malformedLines(problems: readonly RecordProblem[]): string[] {
  const [first] = problems;
  if (first === undefined) return [];
  const count = `${problems.length} malformed ${problems.length === 1 ? 'line' : 'lines'}`;
  return [`${count} of ${first.file} left out. ${named(problems, ({ line }) => `line ${line}`)}`];
}

/** The first problems one by one, then how many there are more. */
function named(problems: readonly RecordProblem[], place: (problem: RecordProblem) => string): string {
  const told = problems.slice(0, MOST_LINES).map((problem) => `${place(problem)}: ${problem.message}`);
  const others = problems.length - told.length;
  return `${told.join('; ')}${others > 0 ? `; and ${others} more` : ''}`;
}

/** API-Bank's levels, of which its headline is the mean. */
const LEVELS = ['level 1', 'level 2'];

function levelRemarks({ groups, meanOfGroups }: SetReport): string[] {
  const levels = meanOfGroups ? Object.entries(groups) : [];
  if (levels.length === 0) return [];
  const figures = levels.map(
    ([name, group]) =>
      `${name} ${percentOf(group.accuracy)} % (${intervalOf(group.interval)}) of ${group.tasks}`,
  );
  const absent = LEVELS.filter((level) => !(level in groups));
  const headline =
    levels.length > 1
      ? 'the headline is their mean'
      : `the headline is ${levels[0]![0]} alone: no task of ${absent.join(', ')} was asked`;
  return [`${figures.join(', ')}; ${headline}`];
}

/** What errors are counted over, where that is not the tasks: `, of 640 answers`. */
export const denominatorOf = ({ answersPerTask, tasks }: SetReport): string =>
  answersPerTask > 1 ? `, of ${Math.round(answersPerTask * tasks)} answers` : '';

/** What the line of the errors begins with. */
export const ERRORS = 'errors';

function errorRemarks(set: SetReport): string[] {
  const counts = Object.entries(set.errors).map(([kind, count]) => `${errorWord(kind)} ${count}`);
  return counts.length === 0 ? [] : [`${ERRORS}${denominatorOf(set)}: ${counts.join(', ')}`];
}

function unreadableRemarks({ unreadablePredictions: found }: SetReport): string[] {
  if (found === undefined) return [];
  return [
    found.count === 1
      ? `1 prediction has calls that cannot be read, in line ${found.firstLine}: counted as wrong`
      : `${found.count} predictions have calls that cannot be read, the first in line ${found.firstLine}: counted as wrong`,
  ];
}

const countOf = (count: number): string => `${count} ${count === 1 ? 'task' : 'tasks'}`;

const noCallRemarks = ({ noCallTasks }: SetReport): string[] =>
  noCallTasks > 0
    ? [`no call is wanted in ${countOf(noCallTasks)}: an answer without a readable call is right there`]
    : [];

const malformedRemarks = ({ malformed }: SetReport): string[] => {
  if (malformed.length === 0) return [];
  const count = `${malformed.length} malformed ${malformed.length === 1 ? 'record' : 'records'}`;
  return [`${count} left out. ${named(malformed, ({ file, line }) => `line ${line} of ${file}`)}`];
};

const notesOf = ({ notes }: SetReport, shuffled: boolean): string[] =>
  notes.map((note) => (shuffled && note.includes('first candidate') ? 'candidates are shuffled' : note));

/** What to know of a set, whatever the answers are. */
export const dataRemarksOf = (set: SetReport, shuffled: boolean): string[] => [
  ...noCallRemarks(set),
  ...malformedRemarks(set),
  ...notesOf(set, shuffled),
];

export function remarksOf(set: SetReport, shuffled: boolean): string[] {
  const { groups, tasks, tooLong, recordsWithUnknownTool, withoutPrediction } = set;
  const parts = set.meanOfGroups ? [] : Object.entries(groups);
  return [
    ...levelRemarks(set),
    ...(parts.length > 1 && parts.length <= MOST_PARTS
      ? [
          `parts: ${parts.map(([name, group]) => `${name} ${percentOf(group.accuracy)} % of ${group.tasks}`).join(', ')}`,
        ]
      : []),
    ...noCallRemarks(set),
    ...errorRemarks(set),
    ...(tasks === 0 ? ['no task could be asked'] : []),
    ...(tooLong > 0 ? [`${countOf(tooLong)} left out: menu and answer do not fit the model’s context`] : []),
    ...(withoutPrediction ? [`${countOf(withoutPrediction)} without a prediction, counted as wrong`] : []),
    ...unreadableRemarks(set),
    ...malformedRemarks(set),
    ...(recordsWithUnknownTool > 0 && !set.notes.some((note) => note.includes('not offered'))
      ? [
          recordsWithUnknownTool === 1
            ? '1 task of the set calls a function that is not offered'
            : `${recordsWithUnknownTool} tasks of the set call a function that is not offered`,
        ]
      : []),
    ...notesOf(set, shuffled),
  ];
}

/** The report as text for a terminal. */
export function reportText(report: EvaluationReport): string {
  const { subject, speed } = report;
  return [
    subject,
    '',
    ...alignColumns(tableRows(report)).map((line) => `  ${line}`),
    '',
    ...remarks(report).map((line) => `- ${line}`),
    ...(speed ? [`- ${Math.round(speed.tokensPerSecond)} generated tokens/s`] : []),
  ].join('\n');
}

/** A paired comparison as text. */
export function comparisonText(
  a: string,
  b: string,
  sets: Readonly<Record<string, PairedComparison>>,
): string {
  const header = ['', 'A, %', 'B, %', 'B − A', '95 % interval', 'only A', 'only B', 'p', 'tasks'];
  const signed = (value: number) => `${value >= 0 ? '+' : '−'}${Math.abs(value).toFixed(2)}`;
  const rows = Object.entries(sets).map(([name, pair]) => [
    name,
    percentOf(pair.accuracyA),
    percentOf(pair.accuracyB),
    signed(100 * pair.difference),
    `${signed(100 * pair.interval.low)} … ${signed(100 * pair.interval.high)}`,
    String(pair.onlyA),
    String(pair.onlyB),
    pair.p < 0.001 ? '< 0.001' : pair.p.toFixed(3),
    String(pair.tasks),
  ]);
  const estimated = Object.entries(sets).filter(([, pair]) => pair.flips !== null);
  const unpaired = Object.entries(sets).filter(([, pair]) => pair.unpaired > 0);
  return [
    `A: ${a}`,
    `B: ${b}`,
    '',
    ...alignColumns([header, ...rows]).map((line) => `  ${line}`),
    '',
    '- p: two-sided, of no difference in the figures beside it: sign flips of the tasks’ differences (of right and wrong answers the exact McNemar test)',
    ...(estimated.length > 0
      ? [`- p of ${estimated.map(([name]) => name).join(', ')}: from ${estimated[0]![1].flips} random flips`]
      : []),
    ...unpaired.map(([name, pair]) => `- ${name}: ${pair.unpaired} tasks were put to one of the two only`),
    ...Object.entries(sets)
      .filter(([, pair]) => pair.otherData)
      .map(
        ([name]) =>
          `- ${name}: A and B had other data under the same ids (another copy or version of the set)`,
      ),
  ].join('\n');
}

/** What training tasks share with each exam, as text. */
export function contaminationText(file: string, sets: Readonly<Record<string, ContaminationReport>>): string {
  const header = ['', 'same question', 'same calls', 'tools in common'];
  const rows = Object.entries(sets).map(([name, found]) => [
    name,
    String(found.sameQuestion.length),
    String(found.sameCalls.length),
    String(found.sharedTools.length),
  ]);
  const leaks = Object.entries(sets).flatMap(([name, { sameQuestion, sameCalls }]) => {
    const ids = [...sameQuestion, ...sameCalls];
    return ids.length > 0
      ? [`- ${name}: ${ids.slice(0, MOST_IDS).join(', ')}${ids.length > MOST_IDS ? ', …' : ''}`]
      : [];
  });
  const tasks = Object.values(sets)[0]?.tasks ?? 0;
  return [
    `${file}: ${tasks} tasks`,
    '',
    ...alignColumns([header, ...rows]).map((line) => `  ${line}`),
    '',
    ...leaks,
  ].join('\n');
}

const MOST_IDS = 10;
