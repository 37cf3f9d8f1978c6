import { ConfigError } from '../binding/errors';
import { parseSolverToolCalls, extractSolverFields } from '../roles/solver';
import { toToolCall } from '../roles/calls';
import { PROMPT_SETS, type PromptSetName } from '../roles/prompt-sets';
import type { Tool, ToolCall } from '../tasks/task';
import { Policy, type PolicyOptions } from './policy';
import { readRoleFile } from './role-file';

export interface SolverOptions extends PolicyOptions {
  /** Wording of the prompt. Default: what the model folder says it was trained on, else `standard`. */
  prompts?: PromptSetName;
}

export interface CallOptions {
  /** Default 0: greedy. */
  temperature?: number;
  /** Default 512. */
  maxNewTokens?: number;
  seed?: number;
  signal?: AbortSignal;
}

/** The answer of a Solver: its calls, what it thought, and the text they were read from. */
export interface SolverAnswer {
  /** Empty when the model calls nothing, or when the text holds no call that can be read. */
  calls: ToolCall[];
  think: string | null;
  text: string;
  finishReason: 'stop' | 'length' | 'aborted';
}

/** A trained (or base) model that answers questions with tool calls. */
export class Solver {
  private constructor(
    readonly policy: Policy,
    readonly prompts: PromptSetName,
    private readonly ownsPolicy: boolean,
  ) {}

  /** Loads a Hugging Face folder, e.g. a run's `solver/`. @throws as Policy.load */
  static async load(dir: string, options: SolverOptions = {}): Promise<Solver> {
    const policy = await Policy.load(dir, options);
    return new Solver(policy, options.prompts ?? readRoleFile(dir).prompts, true);
  }

  /** Uses a policy that is loaded already; it stays the caller's to dispose. */
  static from(policy: Policy, prompts: PromptSetName = readRoleFile(policy.dir).prompts): Solver {
    return new Solver(policy, prompts, false);
  }

  /** Answers one question with calls of the given tools. */
  async call(question: string, tools: readonly Tool[], options: CallOptions = {}): Promise<ToolCall[]> {
    const [answer] = await this.answer([{ question, tools }], options);
    return answer!.calls;
  }

  /** Answers many questions in one batch. @throws ConfigError for an empty question or menu */
  async answer(
    questions: readonly { question: string; tools: readonly Tool[] }[],
    options: CallOptions = {},
  ): Promise<SolverAnswer[]> {
    const prompts = questions.map(({ question, tools }, index) => {
      if (question.trim() === '') throw new ConfigError(`question ${index}: is empty`, { index });
      if (tools.length === 0) throw new ConfigError(`question ${index}: has no tools to call`, { index });
      return this.policy.tokenizer.encodeChat(PROMPT_SETS[this.prompts].solver(question, [...tools]));
    });
    const rollout = await this.policy.generate(prompts, {
      temperature: options.temperature ?? 0,
      maxNewTokens: options.maxNewTokens ?? 512,
      seed: options.seed,
      signal: options.signal,
    });
    const stopIds = new Set(this.policy.stopTokenIds);
    return questions.map((_, index) => {
      const ids = rollout.row(index).filter((id) => !stopIds.has(id));
      const text = this.policy.tokenizer.decode(ids);
      const fields = extractSolverFields(text, { requireThink: false });
      const parsed = fields ? parseSolverToolCalls(fields.answer) : null;
      return {
        calls: (parsed ?? []).map(toToolCall),
        think: fields?.think ?? null,
        text,
        finishReason: rollout.finishReasons[index]!,
      };
    });
  }

  async dispose(): Promise<void> {
    if (this.ownsPolicy) await this.policy.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}
