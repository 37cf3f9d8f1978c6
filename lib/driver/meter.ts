import type { Phase } from './events';
import { requiredBytes, trainedFlops } from './metrics';
import type { Engine, PolicyPort, RolloutPort, TrainerPort } from './ports';

/** Where the time of one phase went, over all iterations of this sitting. (A type: it is recorded as it is.) */
export type PhaseTime = {
  phase: Phase;
  /** Wall time of the phase; what is neither rollout nor training is text, rewards and files. */
  seconds: number;
  rolloutSeconds: number;
  /** Generated. */
  rolloutTokens: number;
  /** Of decoding, and the bytes it had to read. */
  decodeSeconds: number;
  decodeBytes: number;
  trainSeconds: number;
  trainTokens: number;
  trainFlops: number;
};

const secondsSince = (start: number) => (performance.now() - start) / 1000;

const emptyPhase = (phase: Phase): PhaseTime => ({
  phase,
  seconds: 0,
  rolloutSeconds: 0,
  rolloutTokens: 0,
  decodeSeconds: 0,
  decodeBytes: 0,
  trainSeconds: 0,
  trainTokens: 0,
  trainFlops: 0,
});

/** Adds up, phase by phase, what a run's policies and trainers did. */
export class Meter {
  /** The phase that is under way. */
  phase: Phase = 'prepare';
  private readonly times = new Map<Phase, PhaseTime>();

  /** In the order in which the phases first came. */
  get phases(): PhaseTime[] {
    return [...this.times.values()];
  }

  add(amounts: Partial<Omit<PhaseTime, 'phase'>>): void {
    const time = this.times.get(this.phase) ?? emptyPhase(this.phase);
    this.times.set(this.phase, time);
    for (const [name, amount] of Object.entries(amounts)) time[name as 'seconds'] += amount;
  }

  /**
   * Counts work that belongs to another phase there.
   * @param within the present phase's own time includes it, and is to be told of afterwards
   */
  async as<T>(phase: Phase, work: () => Promise<T>, { within }: { within: boolean }): Promise<T> {
    const outer = this.phase;
    const started = performance.now();
    this.phase = phase;
    try {
      return await work();
    } finally {
      const seconds = secondsSince(started);
      this.add({ seconds });
      this.phase = outer;
      if (within) this.add({ seconds: -seconds });
    }
  }
}

function meteredPolicy(policy: PolicyPort, meter: Meter): PolicyPort {
  return {
    info: policy.info,
    get tokenizer() {
      return policy.tokenizer;
    },
    async generate(prompts, request): Promise<RolloutPort> {
      const start = performance.now();
      const rollout = await policy.generate(prompts, request);
      meter.add({
        rolloutSeconds: secondsSince(start),
        rolloutTokens: rollout.tokens.length,
        decodeSeconds: rollout.stats?.decodeSeconds ?? 0,
        decodeBytes: requiredBytes(policy.info, rollout) ?? 0,
      });
      return rollout;
    },
    save: (dir) => policy.save(dir),
    offload: async () => policy.offload?.(),
    dispose: () => policy.dispose(),
  };
}

function meteredTrainer(trainer: TrainerPort, policy: PolicyPort, meter: Meter): TrainerPort {
  return {
    async step(input) {
      const start = performance.now();
      const metrics = await trainer.step(input);
      meter.add({
        trainSeconds: secondsSince(start),
        trainTokens: metrics['toolr0/train_tokens'] ?? 0,
        trainFlops: trainedFlops(policy.info, metrics),
      });
      return metrics;
    },
    saveState: (file) => trainer.saveState(file),
    loadState: (file) => trainer.loadState(file),
    offload: async () => trainer.offload?.(),
    dispose: () => trainer.dispose(),
  };
}

/** The same engine; what its policies and trainers do is added to `meter`. */
export function meteredEngine(engine: Engine, meter: Meter): Engine {
  const inner = new WeakMap<PolicyPort, PolicyPort>();
  const bare = (policy: PolicyPort) => inner.get(policy) ?? policy;
  return {
    versions: () => engine.versions(),
    advantages: (rewards, request) => engine.advantages(rewards, request),
    offloadsIdleRole: (config, info) => engine.offloadsIdleRole?.(config, info) ?? false,
    ...(engine.machineLimits ? { machineLimits: (info) => engine.machineLimits!(info) } : {}),
    async loadPolicy(dir, config) {
      const policy = await engine.loadPolicy(dir, config);
      const metered = meteredPolicy(policy, meter);
      inner.set(metered, policy);
      return metered;
    },
    async createTrainer(policy, role, totalSteps, reference) {
      const trainer = await engine.createTrainer(
        bare(policy),
        role,
        totalSteps,
        reference && bare(reference),
      );
      return meteredTrainer(trainer, policy, meter);
    },
  };
}
