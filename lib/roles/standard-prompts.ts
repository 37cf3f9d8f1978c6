import { difficultyMessages } from './difficulty-prompt';
import { generatorMessages } from './generator-prompt';
import { judgeMessages } from './judge-prompt';
import type { PromptSet } from './prompts';
import { solverMessages } from './solver-prompt';

/** Full instructions, for models that were not made for this project. */
export const standardPrompts: PromptSet = {
  name: 'standard',
  generator: generatorMessages,
  solver: solverMessages,
  judge: judgeMessages,
  difficulty: difficultyMessages,
};
