/** Upstream file name → where it was found, or undefined. */
export type BenchmarkFiles = Record<string, string | undefined>;

/** `original`: as each benchmark's authors publish it. `hammer`: as MadeAgents/Hammer repacked three of them, which the paper seems to use. */
export const LAYOUTS = ['original', 'hammer'] as const;
export type Layout = (typeof LAYOUTS)[number];
