import * as fs from 'node:fs';
import * as path from 'node:path';

import { NONE_PUBLISHED } from '../../lib/rewards/published';
import type { Config } from '../../lib/config';
import type {
  Engine,
  GenerateRequest,
  PolicyPort,
  RolloutPort,
  TrainerPort,
  TrainStep,
} from '../../lib/driver/ports';
import type { Task } from '../../lib/tasks/task';
import { Random } from '../../lib/tasks/random';

export { NONE_PUBLISHED };

/**
 * A scripted stand-in for the native core. A token is a character. A policy has one number, its skill: the Solver answers right with that
 * probability, the Generator writes a valid task with it. Training a policy raises its skill. Everything follows from seeds.
 */
export class FakePolicy implements PolicyPort {
  readonly info = {
    modelType: 'fake',
    device: 'cpu',
    dtype: 'float32',
    parameterCount: 7,
    maxPositionEmbeddings: 4096,
  };
  readonly tokenizer = {
    encodeChat: (messages: readonly { role: string; content: string }[]) =>
      Array.from(messages.map((message) => message.content).join('\n'), (character) =>
        character.codePointAt(0)!,
      ),
    decode: (ids: ArrayLike<number>) => String.fromCodePoint(...Array.from(ids)),
  };
  disposed = false;

  constructor(
    readonly engine: FakeEngine,
    public skill: number,
    /** Where it was loaded from: saving carries files along from there, as the real one does. */
    readonly dir: string,
  ) {}

  async generate(prompts: readonly (readonly number[])[], request: GenerateRequest): Promise<RolloutPort> {
    await this.engine.onGenerate?.(prompts.length * request.n);
    const rows = prompts.flatMap((prompt, index) => {
      const text = String.fromCodePoint(...prompt);
      return Array.from({ length: request.n }, (_, sample) => {
        const random = Random.seeded(
          request.temperature === 0 ? `greedy ${text}` : `${request.seed} ${index} ${sample}`,
        );
        return this.engine.answer(text, this.skill, random);
      });
    });
    const tokens = rows.map((text) => Array.from(text, (character) => character.codePointAt(0)!));
    tokens.forEach((ids, row) => request.onFinish?.(row, ids));
    const offsets = new Int32Array(rows.length + 1);
    tokens.forEach((ids, row) => (offsets[row + 1] = offsets[row]! + ids.length));
    const flat = Int32Array.from(tokens.flat());
    return {
      prompts,
      n: request.n,
      tokens: flat,
      offsets,
      logprobs: new Float32Array(flat.length).fill(-1),
      finishReasons: rows.map(() => 'stop' as const),
      row: (index) => flat.subarray(offsets[index], offsets[index + 1]),
    };
  }

  async save(dir: string): Promise<void> {
    fs.mkdirSync(dir, { recursive: true });
    fs.writeFileSync(path.join(dir, 'model.safetensors'), JSON.stringify({ skill: this.skill }));
    fs.copyFileSync(path.join(this.dir, 'config.json'), path.join(dir, 'config.json'));
  }

  async dispose(): Promise<void> {
    this.disposed = true;
  }
}

export class FakeTrainer implements TrainerPort {
  steps = 0;

  constructor(
    private readonly engine: FakeEngine,
    readonly policy: FakePolicy,
  ) {}

  async step(input: TrainStep): Promise<Record<string, number>> {
    this.engine.trainSteps.push(input);
    this.steps++;
    this.policy.skill = Math.min(1, this.policy.skill + this.engine.gain);
    await this.engine.onTrain?.(this.engine.trainSteps.length);
    return { loss: 0.5, grad_norm: 1, learning_rate: 1e-3, step: this.steps, kl: 0, entropy: 1 };
  }

  async saveState(file: string): Promise<void> {
    fs.writeFileSync(file, JSON.stringify({ steps: this.steps }));
  }

  async loadState(file: string): Promise<void> {
    this.steps = (JSON.parse(fs.readFileSync(file, 'utf8')) as { steps: number }).steps;
  }

  async dispose(): Promise<void> {}
}

export class FakeEngine implements Engine {
  readonly policies: FakePolicy[] = [];
  readonly trainSteps: TrainStep[] = [];
  readonly prompts: string[] = [];
  gain = 0.03;
  startSkill = 0.4;
  onTrain?: (count: number) => void | Promise<void>;
  onGenerate?: (rows: number) => void | Promise<void>;
  /** Replaces what a Generator writes. */
  writeTask?: (random: Random) => string;

  versions(): Record<string, string> {
    return { libtorch: 'fake' };
  }

  async loadPolicy(dir: string, _config: Config): Promise<FakePolicy> {
    const file = path.join(dir, 'model.safetensors');
    const skill = fs.existsSync(file)
      ? (JSON.parse(fs.readFileSync(file, 'utf8')) as { skill: number }).skill
      : this.startSkill;
    const policy = new FakePolicy(this, skill, dir);
    this.policies.push(policy);
    return policy;
  }

  async createTrainer(policy: PolicyPort): Promise<FakeTrainer> {
    return new FakeTrainer(this, policy as FakePolicy);
  }

  advantages(
    rewards: Float64Array,
    { groupSize, weights }: { groupSize: number; weights: readonly number[] },
  ) {
    const width = weights.length;
    const totals = Float64Array.from({ length: rewards.length / width }, (_, row) =>
      weights.reduce((sum, weight, column) => sum + weight * (rewards[row * width + column]! || 0), 0),
    );
    const means = Float64Array.from({ length: totals.length / groupSize }, (_, group) => {
      const slice = totals.subarray(group * groupSize, (group + 1) * groupSize);
      return slice.reduce((sum, value) => sum + value, 0) / groupSize;
    });
    return {
      advantages: totals.map((value, row) => value - means[Math.floor(row / groupSize)]!),
      std: totals.map(() => 1),
      fracRewardZeroStd: 0,
    };
  }

  answer(prompt: string, skill: number, random: Random): string {
    this.prompts.push(prompt);
    if (prompt.startsWith('Generate'))
      return random.next() < Math.max(0.7, skill) ? (this.writeTask ?? writeTask)(random) : 'no task';
    if (prompt.startsWith('Rate')) return '4';
    if (prompt.startsWith('Is this')) return 'easy';
    const wanted = /call (\w+) with value (\w+)/.exec(prompt)!;
    const value = random.next() < skill ? wanted[2] : 'wrong';
    return `<think>So.</think><tool_call_answer>[{"name":"${wanted[1]}","arguments":{"value":"${value}"}}]</tool_call_answer>`;
  }
}

const tool = (name: string) => ({ name, parameters: { value: { type: 'string' } }, required: ['value'] });

export const question = (name: string, value: string) =>
  `Please call ${name} with value ${value}, thank you.`;

export function writeTask(random: Random): string {
  const name = `tool_${letters(random)}`;
  return taskText(name, letters(random));
}

const letters = (random: Random) => Array.from({ length: 6 }, () => 'abcdefghij'[random.int(0, 9)]).join('');

export const taskText = (name: string, value: string) =>
  `<think>Plan.</think><question>${question(name, value)}</question>` +
  `<available_tools>${JSON.stringify([tool(name), tool('other_tool')])}</available_tools>` +
  `<tool_call_answer>${JSON.stringify([{ name, arguments: { value } }])}</tool_call_answer>`;

export function heldOutTask(index: number): Task {
  const random = Random.seeded(`held-out ${index}`);
  const name = `tool_${letters(random)}`;
  const value = letters(random);
  return {
    id: `task-${index}`,
    question: question(name, value),
    tools: [tool(name), tool('other_tool')],
    gold: [{ name, arguments: { value } }],
  };
}

/** A task of a file to train on: no held-out one. */
export const givenTask = (index: number, over: Partial<Task> = {}): Task => ({
  ...heldOutTask(1000 + index),
  id: `given-${index}`,
  ...over,
});

export const givenTasks = (count: number): Task[] =>
  Array.from({ length: count }, (_, index) => givenTask(index));
