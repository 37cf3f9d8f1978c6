import { GroundingText } from '../rewards/grounding';
import { resolvePublished, type PublishedSwitches } from '../rewards/published';
import { specMismatches, type SpecMismatch } from '../rewards/spec-match';
import { MAX_COMPLETION_LENGTH, firstBlockAnyCase } from '../roles/generator-blocks';
import type { ControlSpec, Tool, ToolCall } from '../tasks/task';
import { type PyDict, codePointLength, readJson, strip, toJson, type PyValue } from '../text';
import { fingerprintsOf, qualityOf } from './fingerprints';
import { isPlaceholder } from './placeholder';
import { stageResult, type Candidate, type CandidateTask, type Dropped, type StageResult } from './types';
import { rejectCalls, type CallsRejection } from './validate-calls';
import { normalizeTools, rejectTools, type ToolsRejection } from './validate-tools';

/** Named reasons against a candidate; the published ones stand in the order in which they are looked for. */
export type ValidationRejection =
  | 'too_long'
  | 'empty_output'
  | 'contains_cjk'
  | 'placeholder_or_prompt_echo'
  | 'missing_tags'
  | 'placeholder_question'
  | 'tools_json_parse_fail'
  | ToolsRejection
  | 'calls_json_parse_fail'
  | CallsRejection
  | 'question_too_short'
  | 'likely_no_tool_needed'
  | 'too_trivial_single_call'
  | `spec_${SpecMismatch}`
  | 'ungrounded_value';

export interface ValidationOptions {
  published?: Partial<PublishedSwitches>;
  /** Code points a tool's description must have; 0 lets it be missing. Default 5. */
  minDescriptionLength?: number;
  /** Code points a question must have. Default 25. */
  minQuestionLength?: number;
  /** Refuse questions that seem to need no tool ("capital of", "explain …", "what is …" with one argument). Default true. */
  refuseTrivial?: boolean;
  /** Refuse tasks that miss their control spec (menu size, number of calls, context type). Default false. */
  requireSpec?: boolean;
  /** Refuse tasks with an argument value that the question does not hold. Default false. */
  requireGrounded?: boolean;
}

/** The rules for real models, and those for compact prompts, whose tools have no description and whose questions are short. */
export const STRICT_VALIDATION: Readonly<ValidationOptions> = Object.freeze({});
export const COMPACT_VALIDATION: Readonly<ValidationOptions> = Object.freeze({
  minDescriptionLength: 0,
  minQuestionLength: 8,
  refuseTrivial: false,
  requireSpec: true,
  requireGrounded: true,
});

const CJK = /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2ceaf}]/u;
const FORMAT_ECHOES = ['[the private reasoning here]', '[the generated user question here]'];
const NO_TOOL_NEEDED = ['capital of', 'define ', 'explain ', 'summarize ', 'write a poem', 'tell me a joke'];
const LOOK_UPS = ['what is', 'who is', 'when is', 'where is'];

/** Stage 2b: drops candidates that are no well-formed task. The order of the list is kept. */
export function validate(
  candidates: readonly Candidate[],
  options: ValidationOptions = {},
): StageResult<CandidateTask> {
  const kept: CandidateTask[] = [];
  const dropped: Dropped[] = [];
  for (const candidate of candidates) {
    const verdict = validateCandidate(candidate, options);
    if (typeof verdict === 'string') dropped.push({ id: candidate.id, reason: verdict });
    else kept.push(verdict);
  }
  return stageResult('validate', kept, dropped);
}

/** The task a candidate holds, tools normalised, or the first reason against it. Never throws, whatever the text. */
export function validateCandidate(
  { id, text, spec, provenance }: Candidate,
  options: ValidationOptions = {},
): CandidateTask | ValidationRejection {
  if (text.length > MAX_COMPLETION_LENGTH) return 'too_long';
  const blocks = readBlocks(text);
  if (typeof blocks === 'string') return blocks;
  const { question } = blocks;
  const parsed = readParts(blocks, options);
  if (typeof parsed === 'string') return parsed;
  const fault =
    rejectQuestion(question, parsed.calls, options) ?? rejectOptional(question, parsed, spec, options);
  if (fault !== null) return fault;
  const tools = parsed.tools.map(toJson) as unknown as Tool[];
  const gold = parsed.calls.map(toJson) as unknown as ToolCall[];
  return {
    id,
    question,
    tools,
    gold,
    ...(spec ? { spec } : {}),
    ...(provenance ? { provenance } : {}),
    fingerprints: fingerprintsOf(question, tools, gold),
    quality: qualityOf(question, tools.length, gold.length),
  };
}

interface Blocks {
  question: string;
  tools: string;
  answer: string;
}

interface Parts {
  tools: PyDict[];
  calls: PyDict[];
}

function readBlocks(text: string): Blocks | ValidationRejection {
  if (strip(text) === '') return 'empty_output';
  if (CJK.test(text)) return 'contains_cjk';
  const lower = text.toLowerCase();
  if (FORMAT_ECHOES.some((echo) => lower.includes(echo)) && isPlaceholder(text, 'validate')) {
    return 'placeholder_or_prompt_echo';
  }
  const question = firstBlockAnyCase(text, 'question');
  const tools = firstBlockAnyCase(text, 'available_tools');
  const answer = firstBlockAnyCase(text, 'tool_call_answer');
  if (question === null || tools === null || answer === null) return 'missing_tags';
  return isPlaceholder(question, 'validate') ? 'placeholder_question' : { question, tools, answer };
}

function readParts(blocks: Blocks, options: ValidationOptions): Parts | ValidationRejection {
  const tools = readValue(blocks.tools);
  if (tools === null) return 'tools_json_parse_fail';
  const toolsFault = rejectTools(tools, options.minDescriptionLength ?? 5);
  if (toolsFault !== null) return toolsFault;
  const menu = normalizeTools(tools as PyDict[]);
  const calls = readValue(blocks.answer);
  if (calls === null) return 'calls_json_parse_fail';
  const { requiredInsideParametersOnly } = resolvePublished(options.published);
  const callsFault = rejectCalls(calls, menu, requiredInsideParametersOnly);
  return callsFault ?? { tools: menu, calls: calls as PyDict[] };
}

function readValue(text: string): PyValue {
  const read = readJson(text);
  return read.ok ? read.value : null;
}

function rejectQuestion(
  question: string,
  calls: readonly PyDict[],
  { minQuestionLength = 25, refuseTrivial = true }: ValidationOptions,
): ValidationRejection | null {
  const text = strip(question.toLowerCase());
  if (codePointLength(text) < minQuestionLength) return 'question_too_short';
  if (!refuseTrivial) return null;
  if (NO_TOOL_NEEDED.some((phrase) => text.includes(phrase))) return 'likely_no_tool_needed';
  const isSmall = calls.length === 1 && (calls[0]!.get('arguments') as PyDict).size <= 1;
  return isSmall && LOOK_UPS.some((phrase) => text.includes(phrase)) ? 'too_trivial_single_call' : null;
}

function rejectOptional(
  question: string,
  { tools, calls }: Parts,
  spec: ControlSpec | undefined,
  { requireSpec = false, requireGrounded = false }: ValidationOptions,
): ValidationRejection | null {
  if (requireSpec) {
    const toolNames = tools.map((tool) => tool.get('name') as string);
    const mismatch = specMismatches({ question, toolNames, numCalls: calls.length }, spec)[0];
    if (mismatch !== undefined) return `spec_${mismatch}`;
  }
  if (!requireGrounded) return null;
  const grounding = new GroundingText(question);
  const values = calls.flatMap((call) => (call.get('arguments') as PyDict).values());
  return values.every((value) => grounding.holds(value)) ? null : 'ungrounded_value';
}
