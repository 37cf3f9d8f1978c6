/**
 * NexusRaven's functions out of what upstream publishes: Python definitions with docstrings (CVE/CPE, VirusTotal), prompts with docstrings
 * (ToolAlpaca), and the two of EmailRep, which stand in a script only. The rows are those of `standardized_api_list.json`.
 */
import type { JsonValue } from '../../tasks/task';
import type { Row } from '../record-reader';
import { isObject } from '../record-reader';
import { splitArguments } from './python-call';
import { readDataJson, readDataText } from './reading';

export const FUNCTION_SOURCES = {
  cve_cpe: 'cve_cpe_function_definitions.py',
  virustotal: 'virustotal_function_definitions.py',
} as const;

const row = (dataset: string, name: string, description: string, args: Row[]): Row => ({
  dataset,
  name,
  description: description.trim(),
  args,
});
const argument = (name: string, type: string, required: boolean, description: string): Row => ({
  name,
  type,
  required,
  description: description.trim(),
});

const EMAILREP = [
  row('emailrep', 'emailrep_post', 'Query an email address', [
    argument('email', 'str', true, 'Email address being queried'),
  ]),
  row(
    'emailrep',
    'emailrep_report',
    'Reports an email address. Date of malicious activity defaults to the current time unless otherwise specified.',
    [
      argument('email', 'str', true, 'Email address being reported.'),
      argument('key', 'str', true, 'The API key of the user.'),
    ],
  ),
];

/** @param files paths of the definitions and of toolalpaca_queries.json */
export function readFunctionSources(files: {
  cve_cpe: string;
  virustotal: string;
  toolalpaca: string;
}): Row[] {
  return [
    ...definitionsOf(readDataText(files.cve_cpe)).map(cveFunction),
    ...EMAILREP,
    ...definitionsOf(readDataText(files.virustotal)).map(virusTotalFunction),
    ...toolAlpacaFunctions(readDataJson(files.toolalpaca)),
  ];
}

interface Definition {
  name: string;
  parameters: string[];
  docstring: string;
}

const DEFINITION = /^def (\w+)\(([\s\S]*?)\):\s*\n\s+"""([\s\S]*?)"""/gm;

const definitionsOf = (source: string): Definition[] =>
  [...source.matchAll(DEFINITION)].map((match) => ({
    name: match[1]!,
    parameters: splitArguments(match[2]!) ?? [],
    docstring: match[3]!.replace(/^ {4}/gm, ''),
  }));

/** Arguments as the docstring lists them, all optional: `limit (int): words`. */
function cveFunction({ name, docstring }: Definition): Row {
  const [description, list = ''] = docstring.split(/^Args:\n/m);
  const args = [...list.matchAll(/^(\w+) \((\w+)[^)]*\): (.*)$/gm)].map((match) =>
    argument(match[1]!, match[2]!, false, match[3]!),
  );
  return row('cve_cpe', name, description!, args);
}

/** Types and defaults of the signature, descriptions of the docstring: `- limit, int32, optional, words`. */
function virusTotalFunction({ name, parameters, docstring }: Definition): Row {
  const [description, list = ''] = docstring.split(/^Args:\n/m);
  const lines = [...list.matchAll(/^- ([\w-]+)[:,] \w+, (?:(?:required|optional), )?(.*)$/gm)];
  const words = new Map(lines.map((match) => [match[1]!.replaceAll('-', '_'), match[2]!]));
  const args = parameters.map((parameter) => {
    const [, argumentName, type] = /^(\w+):\s*(\w+)/.exec(parameter) ?? [];
    return argument(argumentName!, type!, !parameter.includes('='), words.get(argumentName!) ?? '');
  });
  return row('virustotal', name, description!, args);
}

const OPTION = /<func_start>def (\w+)\([\s\S]*?<func_end>\s*<docstring_start>\s*"""([\s\S]*?)"""/g;

/** The functions offered in the prompts, each once: `limit (int) required: words`. */
function toolAlpacaFunctions(queries: JsonValue): Row[] {
  const functions = new Map<string, Row>();
  for (const query of Array.isArray(queries) ? queries : []) {
    const turn = isObject(query) ? query['turns_1'] : undefined;
    const docstring = isObject(turn) ? turn['docstring'] : undefined;
    if (typeof docstring !== 'string') continue;
    for (const [, name, text] of docstring.matchAll(OPTION)) {
      if (functions.has(name!)) continue;
      const [description, list = ''] = text!.split(/^Parameters:\n/m);
      const args = [
        ...list.matchAll(
          /^ +(\w+) \((.+?)\) required: ([\s\S]*?)(?=\n +\w+ \(.+?\) required: |\n*$(?![\s\S]))/gm,
        ),
      ].map((match) => argument(match[1]!, match[2]!, true, match[3]!));
      functions.set(name!, row('toolalpaca', name!, description!, args));
    }
  }
  return [...functions.values()];
}
