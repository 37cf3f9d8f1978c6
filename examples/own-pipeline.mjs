// The low-level layer: sample from a policy, score with your own reward, take one GRPO step, save.
//   node examples/own-pipeline.mjs [MODEL_DIR]        (default: the embedded base model)
import * as os from 'node:os';
import * as path from 'node:path';
import { ensureReady, grpoAdvantages, Policy, PROMPT_SETS, solverReward, Trainer } from 'tool-r0-native';

await ensureReady();
const embedded = new URL('../assets/tiny-base', import.meta.url).pathname;
const policy = await Policy.load(process.argv[2] ?? embedded, { device: 'cpu' });
const trainer = await Trainer.create(policy, { learningRate: 2e-4 });

const tool = (name, parameters) => ({
  name,
  parameters: Object.fromEntries(Object.entries(parameters).map(([key, type]) => [key, { type }])),
  required: Object.keys(parameters),
});
const tasks = [
  {
    question: 'Please book the flight in Manel on Monday.',
    tools: [
      tool('cancel_flight', { city: 'string' }),
      tool('book_flight', { city: 'string', day: 'string' }),
    ],
    gold: [{ name: 'book_flight', arguments: { city: 'Manel', day: 'Monday' } }],
  },
];
const n = 16;
const prompts = tasks.map(({ question, tools }) =>
  policy.tokenizer.encodeChat(PROMPT_SETS.compact.solver(question, tools)),
);

for (let step = 1; step <= 3; step++) {
  const rollout = await policy.generate(prompts, { n, maxNewTokens: 64, temperature: 1, seed: step });
  const rewards = Float64Array.from({ length: rollout.rows }, (_, row) => {
    const text = policy.tokenizer.decode(rollout.row(row), { skipSpecialTokens: true });
    return solverReward(text, tasks[Math.floor(row / n)].gold).total;
  });
  const { advantages } = grpoAdvantages(rewards, { groupSize: n });
  const metrics = await trainer.step({ rollout, advantages: Float32Array.from(advantages) });
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  console.log(`step ${step}: mean reward ${mean.toFixed(3)}, gradient norm ${metrics.grad_norm.toFixed(3)}`);
}

const out = path.join(os.tmpdir(), `own-pipeline-${process.pid}`);
await policy.save(out);
console.log(`saved to ${out}`);
await trainer.dispose();
await policy.dispose();
