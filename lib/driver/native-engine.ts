import { ConfigError } from '../binding/errors';
import { loadAddon } from '../binding/load';
import type { Config, RoleConfig } from '../config';
import { grpoAdvantages } from '../policy/grpo-loss';
import { Policy } from '../policy/policy';
import { holdsBothRoles } from '../policy/residency';
import { Trainer } from '../policy/trainer';
import { machineLimits } from './machine-limits';
import type { Engine, PolicyPort, TrainerPort } from './ports';

function policyOf(port: PolicyPort): Policy {
  if (!(port instanceof Policy))
    throw new ConfigError('the native engine trains policies it has loaded itself');
  return port;
}

/** Trainer options of one role. Adam's names are TRL's in the configuration; the trainer has its own. */
function trainerOptions(role: RoleConfig, totalSteps: number) {
  const { type, adamBeta1, adamBeta2, adamEpsilon, ...optimizer } = role.optimizer;
  return {
    ...optimizer,
    optimizer: type,
    beta1: adamBeta1,
    beta2: adamBeta2,
    adamEpsilon,
    totalSteps,
    tokenBudget: role.tokenBudget,
    activationCheckpointing: role.activationCheckpointing,
    maxSkippedSteps: role.maxSkippedSteps,
    // The rollout divides logits by its temperature; the trainer's log-probabilities must be of the same distribution.
    temperature: role.sampling.temperature,
    ...role.loss,
    maxCompletionLength: role.sampling.maxNewTokens,
  };
}

/** The engine of a real run: lib/policy over the native core. */
export const nativeEngine: Engine = {
  versions() {
    const info = loadAddon().buildInfo();
    return {
      libtorch: info.libtorchVersion,
      cudaKernels: String(info.cudaKernels),
      cudaArchitectures: info.cudaArchitectures,
    };
  },

  machineLimits: ({ device, dtype }) => machineLimits(device, dtype),

  loadPolicy(dir: string, config: Config): Promise<PolicyPort> {
    if (config.threads > 0) loadAddon().setThreads(config.threads);
    return Policy.load(dir, { device: config.device as 'auto', dtype: config.dtype });
  },

  offloadsIdleRole(config, { device, parameterCount }) {
    if (config.offloadIdleRole !== 'auto') return config.offloadIdleRole === 'always';
    const found = loadAddon()
      .cudaDevices()
      .find(({ index }) => device === `cuda:${index}` || (device === 'cuda' && index === 0));
    return found !== undefined && !holdsBothRoles(parameterCount, found.totalBytes);
  },

  createTrainer(policy, role, totalSteps, reference): Promise<TrainerPort> {
    const extra = reference ? { reference: policyOf(reference) } : {};
    return Trainer.create(policyOf(policy), trainerOptions(role, totalSteps), extra);
  },

  advantages(rewards, { groupSize, scale, weights }) {
    return grpoAdvantages(rewards, { groupSize, scale, weights });
  },
};
