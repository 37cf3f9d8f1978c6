import * as fs from 'node:fs';

import type { Config } from '../config';
import { rolePaths, type RoleWriter } from './checkpoint';
import type { Role } from './events';
import type { Engine, PolicyPort, TrainerPort } from './ports';
import type { RunFolder } from './run-folder';

interface Member {
  policy: PolicyPort;
  trainer?: TrainerPort;
  /** Optimizer state that waits on disk for its trainer. */
  stateFile?: string;
}

/**
 * Both roles: separate weights from one base model, each with its own trainer, carried over all iterations. A trainer is made when its
 * role is first trained.
 */
export class Roles {
  private reference: Promise<PolicyPort> | undefined;
  private readonly members = new Map<Role, Member>();

  private constructor(
    private readonly engine: Engine,
    private readonly config: Config,
    private readonly baseModel: string,
    private readonly folder: RunFolder,
    readonly updates: Record<Role, number>,
  ) {}

  /** Loads both from the base model, or from a checkpoint where they have been trained. */
  static async load(
    engine: Engine,
    config: Config,
    baseModel: string,
    folder: RunFolder,
    from?: { checkpoint: string; updates: Record<Role, number> },
  ): Promise<Roles> {
    const roles = new Roles(engine, config, baseModel, folder, { generator: 0, solver: 0, ...from?.updates });
    try {
      for (const role of ['solver', 'generator'] as const) {
        const trained = roles.updates[role] > 0 && from ? rolePaths(from.checkpoint, role) : undefined;
        const policy = await engine.loadPolicy(trained?.weights ?? baseModel, config);
        roles.members.set(role, { policy, ...(trained ? { stateFile: trained.trainer } : {}) });
        // At once: the checkpoint it is read from will make room for later ones.
        if (trained) {
          await roles.trainer(role);
          await roles.rest(role);
        }
      }
    } catch (error) {
      await roles.dispose();
      throw error;
    }
    return roles;
  }

  policy(role: Role): PolicyPort {
    return this.members.get(role)!.policy;
  }

  /** The role's trainer, made (and its state read back) when needed. */
  async trainer(role: Role): Promise<TrainerPort> {
    const member = this.members.get(role)!;
    if (!member.trainer) {
      const roleConfig = this.config[role];
      const reference = roleConfig.loss.beta > 0 ? await this.referencePolicy() : undefined;
      const totalSteps = roleConfig.steps * this.config.iterations;
      const trainer = await this.engine.createTrainer(member.policy, roleConfig, totalSteps, reference);
      member.trainer = trainer;
      if (member.stateFile) await trainer.loadState(member.stateFile);
      member.stateFile = undefined;
    }
    return member.trainer;
  }

  /** Frees the optimizer state of a role that is not trained for now; it waits in the run folder. */
  async rest(role: Role): Promise<void> {
    const member = this.members.get(role)!;
    if (!this.config.offloadIdleTrainer || !member.trainer) return;
    const file = `${this.folder.folder('offload')}/${role}-trainer.safetensors`;
    await member.trainer.saveState(file);
    await member.trainer.dispose();
    member.trainer = undefined;
    member.stateFile = file;
  }

  /** How a checkpoint saves each role. */
  writers(): RoleWriter[] {
    return (['solver', 'generator'] as const).map((role) => ({
      role,
      updates: this.updates[role],
      save: async (weights: string, trainerFile: string) => {
        const member = this.members.get(role)!;
        await member.policy.save(weights);
        // Not needed since it was read or put away: the file still is the state.
        if (!member.trainer && member.stateFile) fs.copyFileSync(member.stateFile, trainerFile);
        else await (await this.trainer(role)).saveState(trainerFile);
      },
    }));
  }

  async dispose(): Promise<void> {
    for (const { trainer, policy } of this.members.values()) {
      await trainer?.dispose();
      await policy.dispose();
    }
    this.members.clear();
    await (await this.reference?.catch(() => undefined))?.dispose();
    this.reference = undefined;
  }

  private referencePolicy(): Promise<PolicyPort> {
    this.reference ??= this.engine.loadPolicy(this.baseModel, this.config);
    return this.reference;
  }
}
