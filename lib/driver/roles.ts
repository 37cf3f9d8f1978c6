import * as fs from 'node:fs';
import { rm } from 'node:fs/promises';

import type { Config } from '../config';
import { rolePaths, type RoleWriter } from './checkpoint';
import type { Role } from './events';
import { linkTree } from '../io/files';
import type { Engine, PolicyPort, TrainerPort } from './ports';
import type { RunFolder } from './run-folder';

/** Below the run folder, while a resumed run is under way. */
const RESTORED = '.restored';

interface Member {
  policy: PolicyPort;
  trainer?: TrainerPort;
  /** Optimizer state that waits on disk for its trainer. */
  stateFile?: string;
  /** Weights, or optimizer state, that wait in host memory. */
  offloaded?: { weights: boolean; trainer: boolean };
}

/** The roles a run trains: no Generator where the tasks are given. In the order in which they are loaded. */
export const rolesOf = ({ tasks }: Pick<Config, 'tasks'>): readonly Role[] =>
  tasks === null ? ['solver', 'generator'] : ['solver'];

/**
 * The roles of a run: separate weights from one base model, each with its own trainer, carried over all iterations. A trainer is made when its
 * role is first trained. A run on given tasks has no Generator; the methods below are not asked for it then.
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

  /** Loads them from the base model, or from a checkpoint where they have been trained. */
  static async load(
    engine: Engine,
    config: Config,
    baseModel: string,
    folder: RunFolder,
    from?: { checkpoint: string; updates: Record<Role, number> },
  ): Promise<Roles> {
    const roles = new Roles(engine, config, baseModel, folder, { generator: 0, solver: 0, ...from?.updates });
    try {
      for (const role of rolesOf(config)) {
        if (from && roles.updates[role] > 0) await roles.restore(role, from.checkpoint);
        else roles.members.set(role, { policy: await engine.loadPolicy(baseModel, config) });
      }
      // Only now: one role's trainer may ask the other role to make room.
      for (const [role, { stateFile }] of roles.members)
        if (stateFile && !config.offloadIdleTrainer) await roles.trainer(role);
    } catch (error) {
      await roles.dispose();
      throw error;
    }
    return roles;
  }

  policy(role: Role): PolicyPort {
    const member = this.members.get(role)!;
    if (member.offloaded) member.offloaded.weights = false; // using it brings them back
    return member.policy;
  }

  /** The role's trainer, made (and its state read back) when needed. */
  async trainer(role: Role): Promise<TrainerPort> {
    const member = this.members.get(role)!;
    await this.makeRoomFor(role);
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

  /**
   * Puts into host memory what training `role` does not need: the other role's optimizer state, and the Generator's weights while the
   * Solver is trained (the Generator's own training asks the Solver all the time).
   */
  private async makeRoomFor(role: Role): Promise<void> {
    const idle = this.members.get(role === 'solver' ? 'generator' : 'solver');
    const { policy } = this.members.get(role)!;
    if (!idle || !this.engine.offloadsIdleRole?.(this.config, policy.info)) return;
    this.members.get(role)!.offloaded = { weights: false, trainer: false };
    const away = (idle.offloaded ??= { weights: false, trainer: false });
    if (idle.trainer && !away.trainer) await idle.trainer.offload?.();
    away.trainer = true;
    if (role !== 'solver' || away.weights) return;
    await idle.policy.offload?.();
    away.weights = true;
  }

  /** Frees the optimizer state of a role that is not trained for now, while the other one is; it waits in the run folder. */
  async rest(role: Role): Promise<void> {
    const member = this.members.get(role)!;
    if (!this.config.offloadIdleTrainer || this.members.size === 1 || !member.trainer) return;
    const file = `${this.folder.folder('offload')}/${role}-trainer.safetensors`;
    await member.trainer.saveState(file);
    await member.trainer.dispose();
    member.trainer = undefined;
    member.stateFile = file;
  }

  /**
   * Takes a role from a checkpoint, by way of links of our own: the checkpoint will make room for later ones while the policy still
   * carries files along from where it was loaded.
   */
  private async restore(role: Role, checkpoint: string): Promise<void> {
    const saved = rolePaths(checkpoint, role);
    const own = rolePaths(this.folder.folder(RESTORED), role);
    await rm(own.weights, { recursive: true, force: true });
    await rm(own.trainer, { force: true });
    await linkTree(saved.weights, own.weights);
    await linkTree(saved.trainer, own.trainer);
    const policy = await this.engine.loadPolicy(own.weights, this.config);
    this.members.set(role, { policy, stateFile: own.trainer });
  }

  /** How a checkpoint saves each role. */
  writers(): RoleWriter[] {
    return rolesOf(this.config).map((role) => ({
      role,
      updates: this.updates[role],
      save: async (weights: string, trainerFile: string) => {
        const member = this.members.get(role)!;
        await member.policy.save(weights);
        // Not needed since it was read or put away: the file still is the state.
        if (!member.trainer && member.stateFile) fs.copyFileSync(member.stateFile, trainerFile);
        // Not by way of trainer(): saving a role needs no room on the device.
        else await (member.trainer ?? (await this.trainer(role))).saveState(trainerFile);
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
    await rm(this.folder.path(RESTORED), { recursive: true, force: true });
  }

  private referencePolicy(): Promise<PolicyPort> {
    this.reference ??= this.engine.loadPolicy(this.baseModel, this.config);
    return this.reference;
  }
}
