/**
 * Figures of the paper (arXiv 2602.21320, table of results), in percent: AST match on its five benchmarks. The means are printed as published;
 * some are up to 0.5 off the mean of their own columns.
 */

/** In the paper's column order. */
export const PAPER_COLUMNS = ['toolalpaca', 'seal-tools', 'nexusraven', 'api-bank', 'snips'] as const;
export type PaperColumn = (typeof PAPER_COLUMNS)[number];

export interface PublishedRow {
  label: string;
  /** null where the paper gives the mean only. */
  values: Readonly<Record<PaperColumn, number>> | null;
  mean: number;
}

export interface PublishedModel {
  name: string;
  /** Shape, to recognise a model folder by. */
  shape: { hiddenSize: number; numHiddenLayers: number; vocabSize: number };
  base: PublishedRow;
  toolR0: PublishedRow;
}

const row = (label: string, mean: number, values?: readonly number[]): PublishedRow => ({
  label,
  mean,
  values: values
    ? (Object.fromEntries(PAPER_COLUMNS.map((name, index) => [name, values[index]!])) as Record<
        PaperColumn,
        number
      >)
    : null,
});

export const PUBLISHED_MODELS: readonly PublishedModel[] = [
  {
    name: 'Qwen2.5-0.5B-Instruct',
    shape: { hiddenSize: 896, numHiddenLayers: 24, vocabSize: 151936 },
    base: row('Qwen2.5-0.5B-Instruct', 15.47, [20.17, 37.07, 4.71, 13.85, 1.57]),
    toolR0: row('Tool-R0 of it', 30.57, [31.58, 63.95, 17.61, 28.0, 14.29]),
  },
  {
    name: 'Qwen2.5-1.5B-Instruct',
    shape: { hiddenSize: 1536, numHiddenLayers: 28, vocabSize: 151936 },
    base: row('Qwen2.5-1.5B-Instruct', 24.85, [35.96, 47.27, 17.61, 19.13, 4.29]),
    toolR0: row('Tool-R0 of it', 47.84, [47.36, 83.0, 34.59, 50.62, 20.86]),
  },
  {
    name: 'Qwen2.5-3B-Instruct',
    shape: { hiddenSize: 2048, numHiddenLayers: 36, vocabSize: 151936 },
    base: row('Qwen2.5-3B-Instruct', 43.97, [45.61, 69.72, 44.33, 44.95, 14.28]),
    toolR0: row('Tool-R0 of it', 48.5, [53.51, 78.23, 47.8, 47.94, 15.57]),
  },
  {
    name: 'Llama-3.2-3B-Instruct',
    shape: { hiddenSize: 3072, numHiddenLayers: 28, vocabSize: 128256 },
    base: row('Llama-3.2-3B-Instruct', 36.12),
    toolR0: row('Tool-R0 of it', 40.47),
  },
];

/** The model of the paper that has the same shape. */
export const publishedOfShape = (shape: Partial<PublishedModel['shape']>): PublishedModel | undefined =>
  PUBLISHED_MODELS.find((model) =>
    (['hiddenSize', 'numHiddenLayers', 'vocabSize'] as const).every((key) => model.shape[key] === shape[key]),
  );
