import type { ErrorKind, ValueErrorKind } from '../diagnose';
import { PAPER_COLUMNS, type PublishedRow } from '../published-results';
import type { ContaminationReport } from '../session/contamination-check';
import type { PairedComparison } from '../session/compare';
import type { EvaluationReport, SetReport } from '../session/report';
import { alignColumns, intervalOf, percentOf } from './columns';

const MEAN = 'mean';
const TITLES: Readonly<Record<string, string>> = {
  toolalpaca: 'ToolAlpaca',
  'seal-tools': 'Seal-Tools',
  nexusraven: 'NexusRaven',
  'api-bank': 'API-Bank',
  snips: 'SNIPS',
};

/** Columns in the paper's order: its five sets that were asked for, their mean, then the others. */
export function columnsOf({ sets, missing }: Pick<EvaluationReport, 'sets' | 'missing'>): string[] {
  const asked = new Set([...Object.keys(sets), ...Object.keys(missing)]);
  const paper = PAPER_COLUMNS.filter((name) => asked.has(name));
  const others = [...asked].filter((name) => !(PAPER_COLUMNS as readonly string[]).includes(name));
  return [...paper, ...(paper.length > 0 ? [MEAN] : []), ...others];
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
    cells('', (set, name) => set?.title ?? TITLES[name] ?? name),
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
    ...Object.values(report.missing),
    ...(report.unknownPredictions
      ? [`${report.unknownPredictions} ids of the predictions belong to none of the sets`]
      : []),
    ...(report.malformedPredictions ?? [])
      .slice(0, MOST_LINES)
      .map(({ file, line, message }) => `${file}, line ${line}, left out: ${message}`),
  ];
}

const countOf = (count: number): string => `${count} ${count === 1 ? 'task' : 'tasks'}`;

const noCallRemarks = ({ noCallTasks }: SetReport): string[] =>
  noCallTasks > 0
    ? [`no call is wanted in ${countOf(noCallTasks)}: an answer without a readable call is right there`]
    : [];

const malformedRemarks = ({ malformed }: SetReport): string[] => {
  if (malformed.length === 0) return [];
  const named = malformed
    .slice(0, MOST_LINES)
    .map(({ file, line, message }) => `line ${line} of ${file}: ${message}`);
  const others = malformed.length - named.length;
  return [
    `${malformed.length} malformed ${malformed.length === 1 ? 'record' : 'records'} left out. ${named.join('; ')}${others > 0 ? `; and ${others} more` : ''}`,
  ];
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
  const { groups, errors, tasks, tooLong, recordsWithUnknownTool, withoutPrediction } = set;
  const levels = set.meanOfGroups ? Object.entries(groups) : [];
  const parts = set.meanOfGroups ? [] : Object.entries(groups);
  return [
    ...(levels.length > 0
      ? [
          `${levels.map(([name, group]) => `${name} ${percentOf(group.accuracy)} % (${intervalOf(group.interval)}) of ${group.tasks}`).join(', ')}; the headline is their mean`,
        ]
      : []),
    ...(parts.length > 1 && parts.length <= MOST_PARTS
      ? [
          `parts: ${parts.map(([name, group]) => `${name} ${percentOf(group.accuracy)} % of ${group.tasks}`).join(', ')}`,
        ]
      : []),
    ...noCallRemarks(set),
    ...(Object.keys(errors).length > 0
      ? [
          `errors: ${Object.entries(errors)
            .map(([kind, count]) => `${errorWord(kind)} ${count}`)
            .join(', ')}`,
        ]
      : []),
    ...(tasks === 0 ? ['no task could be asked'] : []),
    ...(tooLong > 0 ? [`${countOf(tooLong)} left out: menu and answer do not fit the model’s context`] : []),
    ...(withoutPrediction ? [`${countOf(withoutPrediction)} without a prediction, counted as wrong`] : []),
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
