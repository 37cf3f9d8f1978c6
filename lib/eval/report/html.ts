/** The evaluation as one HTML file that needs nothing else: no script, no network. */
import type { ScoredAnswer } from '../answer';
import { ERROR_KINDS } from '../diagnose';
import type { NeutralRecord } from '../neutral-record';
import type { EvaluatedSet, EvaluationReport, SetReport } from '../session/report';
import { intervalOf, percentOf } from './columns';
import { REPORT_STYLE } from './html-style';
import {
  denominatorOf,
  errorWord,
  ERRORS,
  generalRemarks,
  remarksOf,
  tableRows,
  valueErrorWord,
} from './table';

/** Wrong answers shown per kind of error, and right ones. */
const EXAMPLES = { wrong: 3, right: 2 };
const LONGEST_TEXT = 4000;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string) => text.replace(/[&<>"]/g, (character) => ENTITIES[character]!);
const pretty = (value: unknown) => escaped(JSON.stringify(value, null, 1));
const cut = (text: string) =>
  text.length > LONGEST_TEXT
    ? `${text.slice(0, LONGEST_TEXT)}\n[… ${text.length - LONGEST_TEXT} more characters]`
    : text;

/** @param sets the answers behind the report: examples are taken from them */
export function reportHtml(report: EvaluationReport, sets: readonly EvaluatedSet[]): string {
  const shuffled = report.settings['candidates'] === 'shuffled';
  const parts = sets.map((set) => setSection(report.sets[set.benchmark.name]!, set, shuffled));
  const missing = generalRemarks(report).map((why) => `<li>${escaped(why)}</li>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Tool calling: ${escaped(report.subject)}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<h1>Tool calling of <code>${escaped(report.subject)}</code></h1>
<p class="note">An answer is right when its calls are the gold calls: as many, the same tools, arguments and values. Intervals are 95 % bootstrap intervals over tasks (Wilson's where all tasks scored alike).</p>
${table(transposed(tableRows(report)))}
${missing.length > 0 ? `<ul>${missing.join('')}</ul>` : ''}
${parts.join('\n')}
<h2>Settings</h2>
<pre>${pretty(report.settings)}</pre>
</body>
</html>
`;
}

/** One line per set: narrow enough for a phone, where the terminal's table has one column per set. */
const transposed = (rows: readonly (readonly string[])[]): string[][] =>
  rows[0]!.map((_, column) => rows.map((row) => row[column] ?? ''));

function table(rows: readonly (readonly string[])[]): string {
  const [header, ...body] = rows;
  const cells = (row: readonly string[], tag: string) =>
    row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('');
  return `<div class="scroll"><table><thead><tr>${cells(header!, 'th')}</tr></thead><tbody>${body
    .map((row) => `<tr>${cells(row, 'td')}</tr>`)
    .join('')}</tbody></table></div>`;
}

function setSection(set: SetReport, evaluated: EvaluatedSet, shuffled: boolean): string {
  const notes = remarksOf(set, shuffled).filter((line) => !line.startsWith(ERRORS));
  const groups = Object.entries(set.groups).map(([name, { accuracy, interval, tasks }]) => [
    name,
    percentOf(accuracy),
    intervalOf(interval),
    String(tasks),
  ]);
  return [
    `<h2>${escaped(set.title)}: ${percentOf(set.accuracy)} %</h2>`,
    notes.length > 0
      ? `<ul class="note">${notes.map((note) => `<li>${escaped(note)}</li>`).join('')}</ul>`
      : '',
    groups.length > 1 ? table([['part', 'accuracy, %', '95 % interval', 'tasks'], ...groups]) : '',
    errorBars(set),
    confusionTable(set),
    examples(evaluated),
  ].join('\n');
}

function errorBars(set: SetReport): string {
  const { errors, valueErrors } = set;
  const most = Math.max(0, ...Object.values(errors));
  if (most === 0) return '';
  const bar = (label: string, count: number, kind: string) =>
    `<div class="${kind}"><span>${escaped(label)}</span><i><b style="width:${((100 * count) / most).toFixed(1)}%"></b></i><em>${count}</em></div>`;
  const rows = Object.entries(errors).map(([kind, count]) => {
    const inner = kind === 'wrong_value' ? Object.entries(valueErrors) : [];
    return [
      bar(errorWord(kind), count, 'bar'),
      ...inner.map(([value, number]) => bar(valueErrorWord(value), number, 'bar sub')),
    ].join('');
  });
  return `<h3>Wrong answers${denominatorOf(set)}</h3>${rows.join('')}`;
}

function confusionTable({ confusion }: SetReport): string {
  if (confusion.length === 0) return '';
  const name = (tool: string | null) => tool ?? '(no call)';
  const rows = confusion.map(({ gold, predicted, count }) => [name(gold), name(predicted), String(count)]);
  return `<details><summary>Mistaken tools</summary>${table([['wanted', 'called', 'times'], ...rows])}</details>`;
}

/** A few wrong answers of every kind, and a few right ones. */
function examples({ records, runs }: EvaluatedSet): string {
  const results = new Map((runs[0] ?? []).map((result) => [result.id, result.answers[0]!]));
  const answered = records.flatMap((record) => {
    const answer = results.get(record.id);
    return answer ? [{ record, answer }] : [];
  });
  const groups = [
    ...ERROR_KINDS.map((kind) => ({
      title: errorWord(kind),
      shown: answered.filter(({ answer }) => answer.errors[0]?.kind === kind).slice(0, EXAMPLES.wrong),
    })),
    { title: 'right', shown: answered.filter(({ answer }) => answer.correct).slice(0, EXAMPLES.right) },
  ];
  const filled = groups.filter(({ shown }) => shown.length > 0);
  if (filled.length === 0) return '';
  return `<h3>Examples</h3>${filled
    .map(({ title, shown }) => shown.map(({ record, answer }) => example(title, record, answer)).join(''))
    .join('')}`;
}

function example(title: string, record: NeutralRecord, answer: ScoredAnswer): string {
  const { id, question, tools, gold } = record;
  const errors = answer.errors.map(({ kind, value, ...rest }) => {
    const word = value ? `${errorWord(kind)}, ${valueErrorWord(value)}` : errorWord(kind);
    return Object.keys(rest).length === 0 ? word : `${word}: ${JSON.stringify(rest)}`;
  });
  const items: [string, string][] = [
    ['Question', cut(question)],
    ['Tools', tools.map(({ name }) => name).join(', ')],
    ['Gold', JSON.stringify(gold, null, 1)],
    ['Answer', answer.calls === null ? '(no readable call)' : JSON.stringify(answer.calls, null, 1)],
    ...(errors.length > 0 ? [['Errors', errors.join('\n')] as [string, string]] : []),
    ...(answer.text === undefined ? [] : [['Text', cut(answer.text)] as [string, string]]),
  ];
  const list = items.map(([name, text]) => `<dt>${name}</dt><dd><pre>${escaped(text)}</pre></dd>`).join('');
  const state = answer.correct ? 'right' : 'wrong';
  return `<details><summary><span class="${state}">${escaped(title)}</span> <small>${escaped(id)}: ${escaped(question.slice(0, 80))}</small></summary><dl>${list}</dl></details>`;
}
