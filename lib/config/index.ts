export { configSchema } from './schema';
export type { Config, ConfigInput, JudgeName, RoleConfig, SamplingConfig } from './schema';
export { configFields, configJsonSchema, fieldAt } from './fields';
export type { Field } from './fields';
export {
  gatherConfig,
  parseSet,
  publishedRows,
  readConfigFile,
  resolveConfig,
  resolveTrainConfig,
} from './resolve';
export type { ConfigSources, ResolvedConfig, TrainConfig } from './resolve';
export { PRESETS, presetConfig } from './presets';
export type { PresetName } from './presets';
export { configDocument, configTable } from './docs';
export { closest, didYouMean, editDistance } from './suggest';
