import { Policy } from '../policy/policy';
import { writeRoleFile } from '../policy/role-file';
import { Trainer } from '../policy/trainer';
import type { PretrainDependencies } from '../tiny/pretrain';

/** Pre-training on the native core: a fresh model, Muon for hidden matrices with AdamW for the rest, fp32. */
export function nativePretraining(device: 'auto' | 'cpu' | 'cuda', tokenBudget = 8192): PretrainDependencies {
  return {
    async open(dir, seed, recipe) {
      const policy = await Policy.init(dir, { device, dtype: 'float32', seed });
      const trainer = await Trainer.create(policy, {
        optimizer: 'muon',
        learningRate: recipe.learningRate,
        muonLearningRate: recipe.muonLearningRate,
        beta1: recipe.betas[0],
        beta2: recipe.betas[1],
        weightDecay: recipe.weightDecay,
        maxGradNorm: recipe.maxGradNorm,
        tokenBudget,
      });
      return {
        trainer,
        async save(out) {
          await policy.save(out, { dtype: 'bfloat16' });
          writeRoleFile(out, { prompts: 'compact', role: 'base' });
        },
        async dispose() {
          await trainer.dispose();
          await policy.dispose();
        },
      };
    },
  };
}
