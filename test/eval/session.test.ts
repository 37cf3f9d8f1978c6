import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { CheckpointError, ConfigError } from '../../lib/binding/errors';
import { readNeutralFile } from '../../lib/eval/benchmarks/neutral-file';
import type { EvaluationPolicy } from '../../lib/eval/evaluate';
import type { NeutralRecord } from '../../lib/eval/neutral-record';
import { PAPER_COLUMNS, publishedOfShape } from '../../lib/eval/published-results';
import { reportHtml } from '../../lib/eval/report/html';
import { comparisonText, reportText } from '../../lib/eval/report/table';
import { compareFolders, comparePaired } from '../../lib/eval/session/compare';
import { readCallList } from '../../lib/eval/read-calls';
import { checkContamination } from '../../lib/eval/session/contamination-check';
import { differingSettings, differingSettingsText } from '../../lib/eval/session/differing-settings';
import { recordsFingerprint } from '../../lib/eval/session/data-fingerprint';
import { evaluatePredictions } from '../../lib/eval/session/evaluation';
import { listBenchmarks } from '../../lib/eval/session/list-benchmarks';
import { openBenchmarks } from '../../lib/eval/session/open-benchmarks';
import { paperMean, reportSet, type EvaluationReport } from '../../lib/eval/session/report';
import { ResultsFolder } from '../../lib/eval/session/results-folder';
import { limitRecords, runSession } from '../../lib/eval/session/run';

let dir: string;
beforeEach(() => (dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-eval-'))));
afterEach(() => fs.rmSync(dir, { recursive: true }));

const record = (id: string): NeutralRecord => ({
  id,
  question: `Turn <on> lamp ${id} & no other.`,
  tools: [
    { name: 'on', parameters: { lamp: { type: 'string' } } },
    { name: 'off', parameters: { lamp: { type: 'string' } } },
  ],
  gold: [{ name: 'on', arguments: { lamp: id } }],
});
const records = Array.from({ length: 9 }, (_, index) => record(`l${index}`));

function exam(name = 'exam'): ReturnType<typeof readNeutralFile> {
  const file = path.join(dir, `${name}.jsonl`);
  fs.writeFileSync(file, records.map((row) => JSON.stringify(row)).join('\n'));
  return readNeutralFile(file);
}

const bytes = (text: string) => Int32Array.from([...text].map((character) => character.codePointAt(0)!));

/** Turns on the lamp of the question; every third one off. Fails after `generations` batches. */
function lampPolicy(generations = Infinity): EvaluationPolicy & { asked: number } {
  const tokenizer = {
    encodeChat: (messages: readonly { content?: unknown }[]) => [
      ...bytes(messages.map(({ content }) => content).join('\n')),
    ],
    decode: (ids: ArrayLike<number>) => String.fromCodePoint(...Array.from(ids)),
  };
  return {
    dir,
    info: { maxPositionEmbeddings: 8192 },
    tokenizer,
    asked: 0,
    generate(prompts) {
      if (this.asked++ >= generations) return Promise.reject(new Error('killed'));
      const rows = prompts.map((prompt) => {
        const lamp = /lamp (l\d)/.exec(tokenizer.decode(prompt))![1]!;
        const name = Number(lamp.slice(1)) % 3 === 0 ? 'off' : 'on';
        return bytes(
          `<tool_call_answer>[{"name": "${name}", "arguments": {"lamp": "${lamp}"}}]</tool_call_answer>`,
        );
      });
      return Promise.resolve({
        row: (index) => rows[index]!,
        finishReasons: rows.map(() => 'stop'),
        tokens: new Int32Array(90),
      });
    },
  };
}

const options = { batch: 2, seeds: [0], maxNewTokens: 64 };
const settings = { temperature: 0, model: 'abc' };

describe('results on disk', () => {
  test('an evaluation that was killed goes on, and comes to the same', async () => {
    const whole = await runSession(lampPolicy(), [await exam()], options);
    const folder = await ResultsFolder.open(path.join(dir, 'out'), settings);
    await expect(runSession(lampPolicy(3), [await exam()], { ...options, folder })).rejects.toThrow('killed');
    const file = path.join(dir, 'out', 'exam.seed-0.jsonl');
    // The kill came in the middle of writing a batch: a whole line of it, and a torn one.
    const line = fs.readFileSync(file, 'utf8').split('\n')[0]!;
    fs.appendFileSync(file, `${line.replace('"l0"', '"l6"')}\n${line.slice(0, 40)}`);
    const policy = lampPolicy();
    const again = await ResultsFolder.open(path.join(dir, 'out'), settings);
    const resumed = await runSession(policy, [await exam()], { ...options, folder: again });
    expect(resumed.sets[0]!.runs).toEqual(whole.sets[0]!.runs);
    expect(policy.asked).toBe(2);
    expect(again.read('exam', 0).results).toHaveLength(9);
    expect(fs.readFileSync(file, 'utf8')).toMatch(/\n$/);
    // Once more: nothing left to ask.
    const idle = lampPolicy(0);
    expect((await runSession(idle, [await exam()], { ...options, folder: again })).sets[0]!.runs).toEqual(
      whole.sets[0]!.runs,
    );
  });

  test('progress counts the tasks that do not fit, also those of an earlier evaluation', async () => {
    const folder = await ResultsFolder.open(path.join(dir, 'out'), settings);
    const long = { ...record('l9'), question: 'word '.repeat(2000) };
    const benchmark = { ...(await exam()), records: [long, ...records] };
    const heard: string[] = [];
    const asking = { ...options, batch: 4, folder, onProgress };
    function onProgress({ done, total, tooLong }: { done: number; total: number; tooLong: number }) {
      heard.push(`${done} of ${total}, ${tooLong} too long`);
    }
    await runSession(lampPolicy(1), [benchmark], asking).catch(() => undefined);
    const { sets } = await runSession(lampPolicy(), [benchmark], asking);
    expect(heard).toEqual([
      '4 of 10, 1 too long',
      '4 of 10, 1 too long',
      '8 of 10, 1 too long',
      '10 of 10, 1 too long',
    ]);
    expect(sets[0]).toMatchObject({ tooLong: 1 });
  });

  test('a file where the folder should be is told in words, and stays', async () => {
    const out = path.join(dir, 'out');
    fs.writeFileSync(out, 'kept');
    await expect(ResultsFolder.open(out, settings)).rejects.toThrow(/out: is a file, where a folder/);
    expect(fs.readFileSync(out, 'utf8')).toBe('kept');
  });

  test('other settings are refused, and named', async () => {
    const out = path.join(dir, 'out');
    await ResultsFolder.open(out, settings);
    await expect(ResultsFolder.open(out, { ...settings, temperature: 1 })).rejects.toThrow(CheckpointError);
    await expect(ResultsFolder.open(out, { ...settings, temperature: 1 })).rejects.toThrow(
      /temperature was 0, is 1/,
    );
  });

  test('other data of a set are refused; another set may join', async () => {
    const out = path.join(dir, 'out');
    const data = { exam: recordsFingerprint(records) };
    await ResultsFolder.open(out, { ...settings, data });
    await ResultsFolder.open(out, { ...settings, data: { second: 'x' } });
    const changes: Partial<NeutralRecord>[] = [
      { question: 'Another?' },
      { tools: [] },
      { gold: [] },
      { gold_alternatives: [{ on: { lamp: ['l0'] } }] },
      { optional_args: [['lamp']] },
    ];
    for (const change of changes) {
      const changed = { exam: recordsFingerprint([{ ...records[0]!, ...change }, ...records.slice(1)]) };
      const opening = ResultsFolder.open(out, { ...settings, data: changed });
      await expect(opening).rejects.toThrow(ConfigError);
      await expect(opening).rejects.toThrow(/answers to 'exam'.*choose another --out, or delete/);
    }
    const folder = await ResultsFolder.open(out, { ...settings, data });
    expect(folder.settings()['data']).toEqual({ ...data, second: 'x' });
  });

  test('answers that have no fingerprint are not taken over', async () => {
    const folder = await ResultsFolder.open(dir, settings);
    await folder.append('exam', 0, { results: [{ id: 'l0', answers: [] }], tooLong: [] });
    await expect(ResultsFolder.open(dir, { ...settings, data: { exam: 'x' } })).rejects.toThrow(ConfigError);
  });

  test('reading leaves a torn line where it is', async () => {
    const folder = await ResultsFolder.open(dir, settings);
    const file = path.join(dir, 'exam.seed-0.jsonl');
    const text = '{"id": "l0", "answers": []}\n{"id": "l1", "ans';
    fs.writeFileSync(file, text);
    expect(folder.read('exam', 0).results).toHaveLength(1);
    expect(fs.readFileSync(file, 'utf8')).toBe(text);
    expect(folder.resume('exam', 0).results).toHaveLength(1);
    expect(fs.readFileSync(file, 'utf8')).toBe(text.slice(0, text.indexOf('\n') + 1));
  });

  test('a file that is no result is told by line', async () => {
    const folder = await ResultsFolder.open(dir, settings);
    fs.writeFileSync(path.join(dir, 'exam.seed-0.jsonl'), '{"id": "l0", "answers": []}\n{"id": 3}\n');
    expect(() => folder.read('exam', 0)).toThrow(/line 2/);
  });
});

test('a limit takes tasks evenly from the whole set', () => {
  expect(limitRecords(records, 3).map(({ id }) => id)).toEqual(['l0', 'l3', 'l6']);
  expect(limitRecords(records, 99)).toHaveLength(9);
});

describe('predictions of another system', () => {
  const predict = async (rows: readonly unknown[], named = true, extra = {}) => {
    const file = path.join(dir, 'predictions.jsonl');
    fs.writeFileSync(
      file,
      rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'),
    );
    const opened = { benchmarks: [await exam()], missing: {} };
    return (await evaluatePredictions(opened, { file, named, layout: 'original', ...extra })).report;
  };

  test('text and calls are scored by the same rule; what is missing is wrong', async () => {
    const { sets, malformedPredictions } = await predict([
      { id: 'l0', calls: [{ name: 'on', arguments: { lamp: 'l0' } }] },
      { id: 'l1', text: '<tool_call>{"name": "on", "arguments": {"lamp": "l1"}}</tool_call>' },
      { id: 'l2', calls: null },
      { id: 'l3', calls: [] },
      { id: 'l4' },
      '{"id": "l5", ',
      { id: 'l6', calls: [{ type: 'function', function: { name: 'on', arguments: '{"lamp": "l6"}' } }] },
      { id: 'elsewhere', calls: [] },
    ]);
    expect(sets['exam']).toMatchObject({ accuracy: 3 / 9, tasks: 9, withoutPrediction: 4 });
    expect(sets['exam']!.errors).toEqual({ no_parse: 5, wrong_number_of_calls: 1 });
    expect(malformedPredictions!.map(({ line, field }) => [line, field])).toEqual([
      [5, 'text'],
      [6, 'row'],
    ]);
  });

  test('ids of no set are counted, those beyond the limit are known', async () => {
    const report = await predict(
      [
        { id: 'l0', calls: [] },
        { id: 'l8', calls: [] },
        { id: 'x', calls: [] },
      ],
      true,
      { limit: 1 },
    );
    expect(report.unknownPredictions).toBe(1);
    expect(reportText(report)).toContain('1 ids of the predictions belong to none of the sets');
  });

  test('calls given as a list are taken as they are', () => {
    for (const lamp of ['<think>x</think>', '<tool_call>{"name": "off"}</tool_call>', '<tool_call_answer>'])
      expect(readCallList([{ name: 'on', parameters: { lamp } }])).toEqual([
        { name: 'on', arguments: { lamp } },
      ]);
    expect(readCallList([])).toEqual([]);
    expect(readCallList([3])).toBe('unreadable');
  });

  test('what calls hold that cannot be read, and what lines are malformed, is told with how many there are', async () => {
    const report = await predict([
      { id: 'l0', calls: [] },
      { id: 'l1', calls: [5] },
      { id: 'l2', calls: [{ x: 1 }] },
      ...Array.from({ length: 7 }, () => ({ id: 'l3' })),
    ]);
    expect(report.sets['exam']!.unreadablePredictions).toEqual({ count: 2, firstLine: 2 });
    const text = reportText(report);
    expect(text).toContain(
      'exam: 2 predictions have calls that cannot be read, the first in line 2: counted as wrong',
    );
    expect(text).toMatch(
      /- 7 malformed lines of .*predictions\.jsonl left out\. line 4: text is missing.*; and 2 more$/m,
    );
    const one = await predict([{ id: 'l0', calls: [5] }, { id: 'l1' }]);
    expect(reportText(one)).toContain('1 prediction has calls that cannot be read, in line 1');
    expect(reportText(one)).toMatch(/- 1 malformed line of /);
  });

  test('a folder is refused after the file has changed, else it comes to the same again', async () => {
    const out = path.join(dir, 'out');
    const first = await predict([{ id: 'l0', calls: [] }], true, { out });
    const file = path.join(out, 'exam.seed-0.jsonl');
    const whole = fs.readFileSync(file, 'utf8');
    fs.writeFileSync(file, whole.slice(0, -9));
    expect(await predict([{ id: 'l0', calls: [] }], true, { out })).toEqual(first);
    expect(fs.readFileSync(file, 'utf8')).toBe(whole);
    await expect(predict([{ id: 'l1', calls: [] }], true, { out })).rejects.toThrow(
      /predictions.jsonl has changed.*choose another --out/,
    );
    await expect(predict([{ id: 'l1', calls: [] }], true, { out })).rejects.toThrow(ConfigError);
  });

  test('the report is handed over before a disk that refuses can cost it', async () => {
    const out = path.join(dir, 'out');
    fs.mkdirSync(path.join(out, 'report.html'), { recursive: true });
    const reports: EvaluationReport[] = [];
    const onReport = (report: EvaluationReport) => reports.push(report);
    await expect(predict([{ id: 'l0', calls: [] }], true, { out, onReport })).rejects.toThrow(/report\.html/);
    expect(reports.map(({ sets }) => sets['exam']!.tasks)).toEqual([9]);
  });

  test('several lines of an id are several answers', async () => {
    const right = { calls: [{ name: 'on', arguments: { lamp: 'l0' } }] };
    const { sets } = await predict(
      [
        { id: 'l0', ...right },
        { id: 'l0', calls: [] },
      ],
      true,
      { passAt: [1, 2], limit: 1 },
    );
    expect(sets['exam']!.passAt).toMatchObject({ 1: { value: 0.5 }, 2: { value: 1 } });
  });

  test('pass@k needs k answers to each', async () => {
    await expect(predict([{ id: 'l0', calls: [] }], true, { passAt: [8] })).rejects.toThrow(
      /needs 8 answers.*has 1 to 'l0'/,
    );
  });

  test('a file that answers nothing is an error', async () => {
    await expect(predict([{ id: 'elsewhere', calls: [] }])).rejects.toThrow(
      /none of its ids belongs to exam/,
    );
  });
});

describe('the report', () => {
  const report = async (): Promise<EvaluationReport & { html: string }> => {
    const { sets } = await runSession(lampPolicy(), [await exam()], options);
    const built: EvaluationReport = {
      subject: 'models/<mine>',
      mean: paperMean(sets, 0),
      sets: { exam: reportSet(sets[0]!, [], 0) },
      missing: { nexusraven: 'NexusRaven is not in ./data' },
      published: null,
      speed: null,
      settings: { candidates: 'published' },
    };
    return { ...built, html: reportHtml(built, sets) };
  };

  test('accuracy comes first in a set’s JSON; the mean needs all five sets', async () => {
    const { sets, mean } = await report();
    expect(Object.keys(sets['exam']!)[0]).toBe('accuracy');
    expect(sets['exam']).toMatchObject({
      accuracy: 6 / 9,
      errors: { wrong_tool: 3 },
      confusion: [{ gold: 'on', predicted: 'off', count: 3 }],
    });
    expect(mean).toBeNull();
  });

  test('the mean weighs the five sets alike, API-Bank’s levels by half', async () => {
    const { sets } = await runSession(lampPolicy(), [await exam()], options);
    const [set] = sets;
    const five = PAPER_COLUMNS.map((name) => {
      const benchmark = { ...set!.benchmark, name };
      const level = (index: number) => ({ benchmark: 'apibank', level: index < 3 ? 1 : 2 });
      if (name !== 'api-bank') return { ...set!, benchmark };
      return {
        ...set!,
        benchmark,
        records: set!.records.map((row, index) => ({ ...row, meta: level(index) })),
      };
    });
    // l0, l3 and l6 are wrong: one of three in level 1, two of six in level 2.
    expect(paperMean(five, 0)!.accuracy).toBeCloseTo((4 * (6 / 9) + (2 / 3 + 4 / 6) / 2) / 5, 12);
  });

  test('the text has the paper’s columns first', async () => {
    const text = reportText(await report());
    expect(text).toMatch(/NexusRaven +exam/);
    expect(text).toMatch(/accuracy, % +– +66\.67/);
    expect(text).toContain('exam: errors: wrong tool 3');
  });

  test('a mean is headed where several of the five are asked for; absent sets have their titles', async () => {
    const missing = { nexusraven: 'not there', snips: 'not there', bfcl: 'not there' };
    const text = reportText({ ...(await report()), missing });
    expect(text).toMatch(/^ +NexusRaven +SNIPS +mean +exam +BFCL$/m);
    expect(text).toMatch(/accuracy, % +– +– +– +66\.67 +–/);
  });

  test('errors of several answers to a task are of so many answers', async () => {
    const built = await report();
    const several = { ...built, sets: { exam: { ...built.sets['exam']!, answersPerTask: 16 } } };
    expect(reportText(several)).toContain('exam: errors, of 144 answers: wrong tool 3');
    const { sets } = await runSession(lampPolicy(), [await exam()], options);
    const html = reportHtml(several, sets);
    expect(html).toContain('<h3>Wrong answers, of 144 answers</h3>');
    expect(html).not.toContain('errors, of');
  });

  test('an error without details is a word', async () => {
    const nothing = lampPolicy();
    const silent = { ...nothing, generate: nothing.generate.bind(nothing) };
    silent.generate = async (prompts, request) => ({
      ...(await nothing.generate(prompts, request)),
      row: () => bytes('nothing'),
    });
    const { sets } = await runSession(silent, [await exam()], options);
    const built = { ...(await report()), sets: { exam: reportSet(sets[0]!, [], 0) } };
    const html = reportHtml(built, sets);
    expect(html).toContain('<dt>Errors</dt><dd><pre>no readable call</pre></dd>');
    expect(html).not.toContain('{}');
  });

  test('a page tells malformed and unknown predictions, too', async () => {
    const problem = { file: 'p.jsonl', line: 3, field: 'id', message: 'id must be a text or a number' };
    const { html: _, ...built } = await report();
    const html = reportHtml({ ...built, malformedPredictions: [problem], unknownPredictions: 2 }, []);
    expect(html).toContain('<li>1 malformed line of p.jsonl left out. line 3: id must be a text');
    expect(html).toContain('<li>2 ids of the predictions belong to none of the sets</li>');
  });

  test('the page is one file: escaped, without scripts, links or addresses', async () => {
    const { html } = await report();
    expect(html).toContain('models/&lt;mine&gt;');
    expect(html).toContain('Turn &lt;on&gt; lamp l0 &amp; no other.');
    expect(html).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">');
    expect(html).not.toMatch(/<script|<link|<img|@import|url\(|https?:|src=|href=/i);
  });
});

describe('paired comparison', () => {
  test('settings that differ are told, with those of both; what only one has is not', async () => {
    const common = { layout: 'original', limit: null, temperature: 0, prompt: 'tool-r0', batch: 256 };
    const [a, b, c] = ['a', 'b', 'c'].map((name) => path.join(dir, name)) as [string, string, string];
    await ResultsFolder.open(a, { ...common, model: 'x', data: { exam: 'x' } });
    await ResultsFolder.open(b, { ...common, model: 'y', limit: 50, temperature: 1, batch: 8, data: {} });
    await ResultsFolder.open(c, { layout: 'original', limit: null, predictions: 'p.jsonl' });
    const differs = differingSettings(a, b);
    expect(differs).toEqual({ limit: [null, 50], temperature: [0, 1] });
    expect(differingSettingsText(differs)).toBe(
      'settings that differ (A / B): limit none / 50, temperature 0 / 1',
    );
    expect([differingSettings(a, c), differingSettings(a, a)]).toEqual([{}, {}]);
    expect(differingSettingsText({})).toBeUndefined();
  });

  test('two folders, set by set', async () => {
    for (const [name, generations] of [
      ['a', Infinity],
      ['b', 3],
    ] as const) {
      const folder = await ResultsFolder.open(path.join(dir, name), settings);
      await runSession(lampPolicy(generations), [await exam()], { ...options, folder }).catch(
        () => undefined,
      );
    }
    const sets = compareFolders(path.join(dir, 'a'), path.join(dir, 'b'));
    expect(sets['exam']).toMatchObject({ tasks: 6, difference: 0, p: 1, test: 'mcnemar', unpaired: 3 });
    expect(comparisonText('a', 'b', sets)).toContain('exam: 3 tasks were put to one of the two only');
    expect(() => compareFolders(dir, dir)).toThrow(/holds no evaluation/);
    // A set of which nothing could be asked does not keep the others from being compared.
    for (const name of ['a', 'b'])
      fs.writeFileSync(path.join(dir, name, 'snips.seed-0.jsonl'), '{"id":"s","tooLong":true}\n');
    expect(Object.keys(compareFolders(path.join(dir, 'a'), path.join(dir, 'b')))).toEqual(['exam']);
  });

  test('API-Bank is compared by the mean of its levels', async () => {
    const benchmarks = [await exam('api-bank')];
    benchmarks[0]!.records.forEach((row, index) => {
      row.meta = { benchmark: 'apibank', level: index === 0 ? 1 : 2 };
    });
    const off = lampPolicy();
    const never = { ...lampPolicy(), generate: off.generate.bind(off) };
    never.generate = async (prompts, request) => ({
      ...(await off.generate(prompts, request)),
      row: () => bytes('nothing'),
    });
    for (const [name, policy] of [
      ['a', never],
      ['b', lampPolicy()],
    ] as const) {
      const folder = await ResultsFolder.open(path.join(dir, name), settings);
      await runSession(policy, benchmarks, { ...options, folder });
    }
    const pair = compareFolders(path.join(dir, 'a'), path.join(dir, 'b'))['api-bank']!;
    // l0, the one task of level 1, is wrong; of level 2 l3 and l6 are.
    expect(pair).toMatchObject({ accuracyA: 0, accuracyB: 6 / 8 / 2, difference: 6 / 8 / 2, onlyB: 6 });
    expect(pair.interval.high).toBeLessThanOrEqual(0.5);
  });

  test('shares are compared by sign flips', () => {
    const a = new Map(records.map(({ id }, index) => [id, index / 10]));
    const b = new Map(records.map(({ id }, index) => [id, index / 10 + 0.1]));
    const pair = comparePaired(a, b);
    expect(pair).toMatchObject({ test: 'sign-flip', onlyA: 0, onlyB: 9 });
    expect(pair.difference).toBeCloseTo(0.1, 12);
    expect(pair.p).toBeLessThan(0.02);
    expect(() => comparePaired(a, new Map())).toThrow(ConfigError);
  });
});

test('training tasks that stand in an exam are found', () => {
  const task = (id: string, question: string, name = 'on') => ({
    id,
    question,
    tools: [{ name, parameters: {} }],
    gold: id === 'none' ? [] : [{ name, arguments: { lamp: id } }],
  });
  const tasks = [
    task('x', 'turn <ON> lamp l0, no other'),
    task('y', 'Another question.', 'dim'),
    task('l3', 'Let there be light at l3.'),
    task('none', 'Say hello.'),
  ];
  expect(checkContamination(tasks, { records: [...records, { ...record('z'), gold: [] }] })).toEqual({
    tasks: 4,
    sameQuestion: ['x'],
    sameCalls: ['l3'],
    sharedTools: ['on'],
  });
});

describe('opening sets', () => {
  test('one that is absent is told; none at all is an error', async () => {
    await exam();
    const file = path.join(dir, 'exam.jsonl');
    const { benchmarks, missing } = await openBenchmarks([file, 'nexusraven'], dir, 'original');
    expect(benchmarks.map(({ name }) => name)).toEqual(['exam']);
    expect(missing['nexusraven']).toContain('CC BY-NC');
    await expect(openBenchmarks(['nexusraven'], dir, 'original')).rejects.toThrow(ConfigError);
    await expect(openBenchmarks(['snips'], undefined, 'original')).rejects.toThrow(
      /--data: say in which folder SNIPS lies .*get it\)/,
    );
    await expect(openBenchmarks(['snips', 'bfcl'], undefined, 'original')).rejects.toThrow(
      /SNIPS, BFCL lie .*get them\)/,
    );
    await expect(openBenchmarks([file, file], dir, 'original')).rejects.toThrow(/named twice$/);
    fs.mkdirSync(path.join(dir, 'other'));
    const other = path.join(dir, 'other', 'exam.jsonl');
    fs.copyFileSync(file, other);
    await expect(openBenchmarks([file, other], dir, 'original')).rejects.toThrow(
      /other.exam.jsonl\): rename a file/,
    );
  });

  test('a name clash names a file of each, not all of them', async () => {
    const file = path.join(dir, 'snips.jsonl');
    fs.copyFileSync((await exam()).files[0]!, file);
    const intents = path.join(dir, 'goo', 'test');
    fs.mkdirSync(intents, { recursive: true });
    const columns = { 'seq.in': 'play jazz', 'seq.out': 'O B-genre', label: 'PlayMusic' };
    for (const [name, text] of Object.entries(columns))
      fs.writeFileSync(path.join(intents, name), `${text}\n`);
    await expect(openBenchmarks([file, 'snips'], dir, 'original')).rejects.toThrow(
      /'snips' is named twice \([^;]*snips\.jsonl; [^;,]* and 2 more\): rename/,
    );
  });

  test('the list tells what is absent, incomplete and unreadable', async () => {
    fs.writeFileSync(path.join(dir, 'eval_real.json'), '[{"Name"');
    fs.writeFileSync(path.join(dir, 'level-1-api.json'), '[]');
    const state = async (name: string, folder?: string) =>
      (await listBenchmarks(folder)).find((set) => set.name === name)!.layouts.original!.state;
    expect(await Promise.all(['toolalpaca', 'api-bank', 'snips'].map((name) => state(name, dir)))).toEqual([
      'unreadable',
      'incomplete',
      'absent',
    ]);
    expect(await state('snips')).toBe('not searched');
    expect((await listBenchmarks(dir))[0]).toMatchObject({
      name: 'toolalpaca',
      found: false,
      records: 114,
      calls: 143,
      tools: 40,
    });
    expect((await listBenchmarks(dir, 'hammer'))[0]).toMatchObject({ found: false, tools: 41 });
  });
});

test('a model of the paper is recognised by its shape', () => {
  expect(publishedOfShape({ hiddenSize: 1536, numHiddenLayers: 28, vocabSize: 151936 })?.base.mean).toBe(
    24.85,
  );
  expect(publishedOfShape({ hiddenSize: 128, numHiddenLayers: 4, vocabSize: 893 })).toBeUndefined();
});
