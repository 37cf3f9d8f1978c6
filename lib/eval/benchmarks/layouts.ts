/** Upstream file name → where it was found, or undefined. */
export type BenchmarkFiles = Record<string, string | undefined>;

/** `original`: as each benchmark's authors publish it. `hammer`: as MadeAgents/Hammer repacked three of them, which the paper seems to use. */
export type Layout = 'original' | 'hammer';
