import { SHAPES, type ShapeConfig, type ShapeName } from './shapes';
import type { Suite } from './types';

/**
 * The configuration whose weights a suite runs on. The log-probability head is measured under one layer with next to no
 * feed-forward part, so that nothing but the head counts.
 */
export function modelConfig(suite: Suite, shape: ShapeName): ShapeConfig {
  const config = SHAPES[shape];
  return suite === 'logprob-head' ? { ...config, num_hidden_layers: 1, intermediate_size: 64 } : config;
}
