import * as fs from 'node:fs';

import { ConfigError } from '../../binding/errors';
import { didYouMean } from '../../config/suggest';
import type { RecordCounts } from '../neutral-record';
import { API_SIGNATURES, findApiBank, readApiBank } from './api-bank';
import { findBfcl, readBfcl } from './bfcl';
import type { DataFolder } from './data-folder';
import { findHammer, readHammer } from './hammer';
import type { BenchmarkFiles, Layout } from './layouts';
import { findNexusRaven, readNexusRaven } from './nexus-raven';
import type { RecordList } from './reading';
import { findSealTools, readSealTools } from './seal-tools';
import { findSnips, readSnips } from './snips';
import type { Steps } from './steps';
import { findToolAlpaca, readToolAlpaca } from './tool-alpaca';

/** How a set is found and read in one layout. */
export interface BenchmarkReader {
  find: (folder: DataFolder) => BenchmarkFiles;
  /** One record a step. */
  read: (files: Record<string, string>, list: RecordList) => Steps;
  /** Files that can be missing, and what is lost then. */
  optional?: Readonly<Record<string, string>>;
  /** What a complete copy holds. */
  counts: RecordCounts;
  /** What to know before reading a score in this layout. */
  caution?: string;
}

export interface BenchmarkEntry {
  name: string;
  aliases: readonly string[];
  /** As the paper's table heads its column. */
  title: string;
  description: string;
  /** Repository of the original data. */
  source: string;
  licence: string;
  /** Why some may not have it or may not use it, if so. */
  restriction?: string;
  /** One of the five of the paper's mean. */
  inPaper: boolean;
  /** What to know before reading a score. */
  caution?: string;
  readers: Partial<Record<Layout, BenchmarkReader>> & Record<'original', BenchmarkReader>;
}

const hammerReader = (counts: RecordCounts, ...sets: readonly string[]): BenchmarkReader => ({
  find: findHammer(...sets),
  *read(files, list) {
    for (const set of sets) yield* readHammer(set, files[`${set}.json`]!, list);
  },
  counts,
});

const FIRST_IS_GOLD =
  'the right tool is the first candidate in 88 % of the rows: shuffle the candidates for an honest score';

/** All sets, the paper's five in its column order first. */
export const BENCHMARKS: readonly BenchmarkEntry[] = [
  {
    name: 'toolalpaca',
    aliases: ['tool-alpaca'],
    title: 'ToolAlpaca',
    description: '114 questions to 11 real APIs, 20 of them need 2 to 5 calls',
    source: 'github.com/tangqiaoyu/ToolAlpaca (data/eval_real.json)',
    licence: 'Apache-2.0',
    inPaper: true,
    readers: {
      original: {
        find: findToolAlpaca('real'),
        read: (files, list) => readToolAlpaca('real', files, list),
        counts: { records: 114, calls: 143, tools: 40 },
      },
      hammer: {
        ...hammerReader({ records: 114, calls: 143, tools: 41 }, 'toolalpaca'),
        caution: '34 questions need an API key that they do not tell, so at most 64.9 % can be right',
      },
    },
  },
  {
    name: 'seal-tools',
    aliases: ['sealtools', 'seal-tool', 'sealtool'],
    title: 'Seal-Tools',
    description: '294 easy questions (200 in-domain, 94 out-of-domain) with 5 candidates and one call each',
    source: 'github.com/fairyshine/Seal-Tools (Seal-Tools_Dataset/dataset_for_finetune/test_*_domain.json)',
    licence: 'Apache-2.0',
    inPaper: true,
    caution: FIRST_IS_GOLD,
    readers: {
      original: {
        find: findSealTools,
        read: (files, list) => readSealTools(files, list, 'easy'),
        counts: { records: 294, calls: 294, tools: 1084 },
      },
      hammer: hammerReader({ records: 294, calls: 294, tools: 1084 }, 'sealtool'),
    },
  },
  {
    name: 'nexusraven',
    aliases: ['nexus-raven'],
    title: 'NexusRaven',
    description: '318 questions of four security and API domains with one call each',
    source: 'github.com/nexusflowai/NexusRaven (raven/data/resources/*_queries.json)',
    licence: 'CC BY-NC 4.0',
    restriction: 'its data may be used non-commercially only',
    inPaper: true,
    caution: 'which candidates the paper offered is unknown; here those of the question’s own domain',
    readers: {
      original: {
        find: findNexusRaven,
        read: readNexusRaven,
        counts: { records: 318, calls: 318, tools: 65 },
      },
    },
  },
  {
    name: 'api-bank',
    aliases: ['apibank'],
    title: 'API-Bank',
    description:
      'call turns of dialogues: level 1 (399) with its APIs given, level 2 (135) with a tool searcher',
    source:
      'github.com/AlibabaResearch/DAMO-ConvAI (level-*-api.json: api-bank/json_test_data of commit 5c38bb7d, or test-data of liminghao1630/API-Bank on Hugging Face; api-bank/apis)',
    licence: 'Apache-2.0',
    inPaper: true,
    readers: {
      original: {
        find: findApiBank,
        read: readApiBank,
        optional: { [API_SIGNATURES]: 'no argument is then known to be required' },
        counts: { records: 534, calls: 534, tools: 50 },
        caution: '27 rows are exact duplicates',
      },
      hammer: {
        ...hammerReader({ records: 526, calls: 526, tools: 50 }, 'apibank_l1', 'apibank_l2'),
        caution: '26 rows are exact duplicates',
      },
    },
  },
  {
    name: 'snips',
    aliases: ['sonos-snips', 'snips-nlu'],
    title: 'SNIPS',
    description:
      '700 utterances: 7 intents as functions, slots as optional texts (validation files, or Goo et al.’s test split)',
    source: 'github.com/sonos/nlu-benchmark (2017-06-custom-intent-engines/*/validate_*.json)',
    licence: 'CC0 1.0',
    inPaper: true,
    caution:
      'the descriptions of intents and slots are this project’s own, so scores are not comparable to the paper’s',
    readers: {
      original: { find: findSnips, read: readSnips, counts: { records: 700, calls: 700, tools: 7 } },
    },
  },
  {
    name: 'bfcl',
    aliases: ['bfcl-v4', 'bfcl-v3', 'berkeley'],
    title: 'BFCL',
    description:
      'Berkeley Function Calling Leaderboard v4, single turn: simple, multiple, parallel, irrelevance, Java, JavaScript',
    source:
      'github.com/ShishirPatil/gorilla (berkeley-function-call-leaderboard/bfcl_eval/data/BFCL_v4_*.json and possible_answer/; v3 is read, too)',
    licence: 'Apache-2.0',
    inPaper: false,
    readers: {
      original: { find: findBfcl, read: readBfcl, counts: { records: 1390, calls: 1897, tools: 1132 } },
    },
  },
  {
    name: 'toolalpaca-simulated',
    aliases: [],
    title: 'ToolAlpaca simulated',
    description: '67 of the 100 questions to simulated APIs; the others need an earlier result',
    source: 'github.com/tangqiaoyu/ToolAlpaca (data/eval_simulated.json)',
    licence: 'Apache-2.0',
    inPaper: false,
    caution: 'NexusRaven’s toolalpaca part has the same questions',
    readers: {
      original: {
        find: findToolAlpaca('simulated'),
        read: (files, list) => readToolAlpaca('simulated', files, list),
        counts: { records: 67, calls: 91, tools: 54 },
      },
    },
  },
  {
    name: 'seal-tools-difficult',
    aliases: ['sealtools-difficult'],
    title: 'Seal-Tools difficult',
    description: '1,060 questions with several calls; 57 quote results of earlier calls',
    source: 'github.com/fairyshine/Seal-Tools (Seal-Tools_Dataset/dataset_for_finetune/test_*_domain.json)',
    licence: 'Apache-2.0',
    inPaper: false,
    readers: {
      original: {
        find: findSealTools,
        read: (files, list) => readSealTools(files, list, 'difficult'),
        counts: { records: 1060, calls: 3438, tools: 2399 },
      },
    },
  },
];

/** @throws ConfigError for a name there is none of, with the nearest one */
export function benchmarkNamed(name: string): BenchmarkEntry {
  const wanted = name.trim().toLowerCase().replaceAll('_', '-');
  const entry = BENCHMARKS.find((item) => item.name === wanted || item.aliases.includes(wanted));
  if (entry) return entry;
  const names = BENCHMARKS.map((item) => item.name);
  throw new ConfigError(
    `unknown benchmark '${name}'.${ownFile(name) ?? didYouMean(name, names)} There are ${names.join(', ')}, and files of your own: ./my.jsonl`,
    { name },
  );
}

/** A name without its ending or path is taken for that of a published set. */
function ownFile(name: string): string | undefined {
  const file = [name, `${name}.jsonl`].find((item) => fs.statSync(item, { throwIfNoEntry: false })?.isFile());
  return file === undefined ? undefined : ` Did you mean the file './${file}'?`;
}
