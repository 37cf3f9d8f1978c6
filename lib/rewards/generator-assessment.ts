import type { ParsedCall } from '../roles/calls';
import { parseGeneratorCompletion, type GeneratorCompletion } from '../roles/generator-parser';
import type { ControlSpec, Task } from '../tasks/task';
import { PyDict, type PyValue } from '../text';
import { GroundingText } from './grounding';
import { isPlaceholderQuestion } from './placeholder';
import { resolvePublished, type PublishedSwitches } from './published';
import { specMismatches, type SpecMismatch } from './spec-match';

export interface AssessmentOptions {
  published?: Partial<PublishedSwitches>;
  /**
   * What a task that misses its control spec loses: r_curriculum (and r_validity, if tool names repeat), everything, or
   * nothing. Default 'curriculum'; 'off' under `noSpecGate`.
   */
  specGate?: 'curriculum' | 'total' | 'off';
  /** r_curriculum is paid only where r_validity is 1. Default false. */
  requireFullValidity?: boolean;
  /** A call with an argument that its tool does not declare does not count as having its arguments right. Default false. */
  declaredArgumentsOnly?: boolean;
}

/** What a Generator's completion is worth without asking a Solver or a judge. */
export interface GeneratorAssessment {
  /** r_format and r_validity, from 0 to 1, gated. */
  format: number;
  validity: number;
  /** 0: a block is missing, the question is a placeholder, or (with `specGate: 'total'`) the spec is missed. */
  gate: 0 | 1;
  /** The shares r_format and r_validity are made of, before the gate. */
  parts: {
    blocks: number;
    toolsReadable: number;
    goldReadable: number;
    toolExists: number;
    requiredArguments: number;
    groundedValues: number;
  };
  mismatches: SpecMismatch[];
  /** The task, where one could be read; it may still be gated. */
  task: Pick<Task, 'question' | 'tools' | 'gold'> | null;
  gold: ParsedCall[] | null;
  /** Whether r_curriculum can be above 0, so that Solver samples and a judge are worth their tokens. */
  worthProbing: boolean;
  /** Why something is 0, the first reason. */
  reason?: GeneratorCompletion['reason'] | 'placeholder_question' | SpecMismatch;
}

const FORMAT_SHARE = 1 / 3;
const VALIDITY_SHARES = { toolExists: 0.4, requiredArguments: 0.4, groundedValues: 0.2 } as const;

/** Reads and scores a Generator's completion. Pure; never throws, whatever the text. */
export function assessGeneratorCompletion(
  completion: string,
  spec?: ControlSpec,
  options: AssessmentOptions = {},
): GeneratorAssessment {
  const switches = resolvePublished(options.published);
  const parsed = parseGeneratorCompletion(completion, switches);
  const { fields, tools, gold, goldValues } = parsed;
  const parts = assessParts(parsed, switches, options.declaredArgumentsOnly ?? false);
  const readable = fields !== null && tools !== null && gold !== null && goldValues !== null;
  const specGate = switches.noSpecGate ? 'off' : (options.specGate ?? 'curriculum');
  const mismatches =
    !readable || specGate === 'off'
      ? []
      : specMismatches(
          { question: fields.question, toolNames: tools.map(({ name }) => name), numCalls: parsed.numCalls },
          spec,
        );
  const isPlaceholder = fields !== null && isPlaceholderQuestion(fields.question);
  const missesSpec = mismatches.length > 0;
  const gate = fields === null || isPlaceholder || (specGate === 'total' && missesSpec) ? 0 : 1;
  const format = gate * FORMAT_SHARE * (parts.blocks + parts.toolsReadable + parts.goldReadable);
  const validity =
    gate *
    (mismatches.includes('duplicate_tool_name') ? 0 : 1) *
    (VALIDITY_SHARES.toolExists * parts.toolExists +
      VALIDITY_SHARES.requiredArguments * parts.requiredArguments +
      VALIDITY_SHARES.groundedValues * parts.groundedValues);
  const isFullyValid = parts.toolExists === 1 && parts.requiredArguments === 1 && parts.groundedValues === 1;
  const reason = parsed.reason ?? (isPlaceholder ? 'placeholder_question' : mismatches[0]);
  return {
    format,
    validity,
    gate,
    parts,
    mismatches,
    task: readable ? { question: fields.question, tools, gold } : null,
    gold: goldValues,
    worthProbing:
      readable && gate === 1 && !missesSpec && (isFullyValid || options.requireFullValidity !== true),
    ...(reason === undefined ? {} : { reason }),
  };
}

function assessParts(
  { fields, toolValues, goldValues }: GeneratorCompletion,
  switches: PublishedSwitches,
  declaredOnly: boolean,
): GeneratorAssessment['parts'] {
  const parts = {
    blocks: Number(fields !== null),
    toolsReadable: Number(toolValues !== null),
    goldReadable: Number(goldValues !== null),
    toolExists: 0,
    requiredArguments: 0,
    groundedValues: 0,
  };
  if (fields === null || goldValues === null) return parts;
  const question = new GroundingText(fields.question);
  parts.groundedValues = shareOf(goldValues, (call) =>
    call.arguments.values().every((value) => question.holds(value)),
  );
  if (toolValues === null) return parts;
  const menu = new Map(toolValues.map((tool) => [tool.get('name'), tool]));
  parts.toolExists = shareOf(goldValues, ({ name }) => menu.has(name));
  parts.requiredArguments = shareOf(goldValues, (call) => {
    const tool = menu.get(call.name);
    if (tool === undefined) return false;
    const required = requiredNames(tool, switches.requiredInsideParametersOnly);
    if (!required.every((name) => call.arguments.has(name))) return false;
    return !declaredOnly || declaresAll(tool, call.arguments);
  });
  return parts;
}

function shareOf<T>(items: readonly T[], test: (item: T) => boolean): number {
  return items.filter(test).length / items.length;
}

function requiredNames(tool: PyDict, insideParametersOnly: boolean): string[] {
  const parameters = tool.get('parameters');
  const inside = parameters instanceof PyDict ? parameters.get('required') : undefined;
  const lists = insideParametersOnly ? [inside] : [inside, tool.get('required')];
  return lists.flatMap((list) =>
    Array.isArray(list) ? list.filter((name) => typeof name === 'string') : [],
  );
}

function declaresAll(tool: PyDict, values: PyDict): boolean {
  const parameters = tool.get('parameters');
  const isSchema =
    parameters instanceof PyDict && (parameters.has('properties') || parameters.get('type') === 'object');
  const declared: PyValue | undefined = isSchema ? parameters.get('properties') : parameters;
  return declared instanceof PyDict ? values.keys().every((key) => declared.has(key)) : values.size === 0;
}
