// An exam of your own, put to a model from Node: partial results as they come, errors by kind, an interval for the headline.
//   node examples/evaluate.mjs [MODEL_DIR]        (default: the embedded base model)
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { ensureReady, evaluate, loadBenchmark, matchCalls, Policy, summarize } from 'tool-r0-native';

await ensureReady();
const embedded = new URL('../assets/tiny-base', import.meta.url).pathname;

// Neutral records, one JSON object per line; the schema is assets/neutral-record.schema.json.
const string = { type: 'string' };
const tool = (name) => ({ name, parameters: { city: string, day: string }, required: ['city', 'day'] });
const records = ['book', 'cancel', 'check', 'update'].flatMap((verb) =>
  ['Manel', 'Storha', 'Riva'].map((city) => ({
    id: `${verb}-${city}`,
    question: `Please ${verb} the flight in ${city} on Monday.`,
    tools: ['cancel_flight', 'book_flight', 'update_flight', 'check_flight'].map(tool),
    gold: [{ name: `${verb}_flight`, arguments: { city, day: 'Monday' } }],
    meta: { category: verb },
  })),
);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'exam-'));
const file = path.join(folder, 'exam.jsonl');
fs.writeFileSync(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));

const exam = await loadBenchmark(file);
console.log(`${exam.counts.records} records, ${exam.problems.length} malformed`);

const policy = await Policy.load(process.argv[2] ?? embedded, { device: 'cpu' });
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
const results = [];
for await (const update of evaluate(policy, exam.records, {
  batch: 4,
  candidates: 'shuffled',
  signal: stop.signal,
})) {
  results.push(...update.results);
  console.log(`${update.done} of ${update.total}: ${(100 * update.accuracy).toFixed(0)} % right`);
}
const { accuracy, interval, groups, errors } = summarize({
  records: exam.records,
  runs: [results],
  tooLong: 0,
});
const range = `${(100 * interval.low).toFixed(0)}–${(100 * interval.high).toFixed(0)}`;
console.log(`accuracy ${(100 * accuracy).toFixed(0)} % (95 %: ${range})`);
for (const [name, part] of Object.entries(groups)) console.log(`  ${name} ${part.accuracy.toFixed(2)}`);
console.log('errors', errors);

// The matcher alone, for calls from anywhere.
const gold = [{ name: 'f', arguments: { n: 5 } }];
console.log(matchCalls([{ name: 'f', arguments: { n: '5' } }], gold).correct); // true: a text that spells a number is that number

await policy.dispose();
fs.rmSync(folder, { recursive: true });
