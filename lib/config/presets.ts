import { ConfigError } from '../binding/errors';
import type { ConfigInput } from './schema';
import { didYouMean } from './suggest';
import { TINY_PRESET } from './tiny-preset';

export type PresetName = 'paper' | 'tiny';

/** `paper` is the schema itself: its defaults are the published numbers with this project's corrections. */
export const PRESETS: Readonly<Record<PresetName, { description: string; config: ConfigInput }>> = {
  paper: { description: 'The published recipe with this project’s corrections; needs --model.', config: {} },
  tiny: { description: 'The embedded base model, minutes on a CPU.', config: TINY_PRESET },
};

/** @throws ConfigError naming the presets there are */
export function presetConfig(name: string): ConfigInput {
  const preset = PRESETS[name as PresetName] as (typeof PRESETS)[PresetName] | undefined;
  if (!preset) {
    const names = Object.keys(PRESETS);
    throw new ConfigError(
      `preset: must be one of ${names.join(', ')}, not '${name}'.${didYouMean(name, names)}`,
      {
        keys: ['preset'],
      },
    );
  }
  return preset.config;
}
