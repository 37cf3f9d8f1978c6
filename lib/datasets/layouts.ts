/**
 * How a file of training tasks is laid out. `neutral`: this project's records; the others as their authors publish them: `toolrl` (ToolRL's rlla
 * files), `xlam` (xlam-function-calling-60k), `toolace` (ToolACE), `hammer` (Hammer's masked data).
 */
export const TRAINING_LAYOUTS = ['neutral', 'toolrl', 'xlam', 'toolace', 'hammer'] as const;
export type TrainingLayout = (typeof TRAINING_LAYOUTS)[number];
