import { ConfigError } from '../binding/errors';
import type { PublishedSwitches } from '../rewards/published';
import { domainWeights } from './domains';
import type { Random } from './random';
import type { ControlSpec } from './task';

type Weights = Readonly<Record<string, number>>;

/** The distribution of control specs. Keys of number tables are whole numbers; weights need not add up to 1. */
export interface SpecTable {
  domains: Weights;
  contextTypes: Readonly<Record<ControlSpec['contextType'], number>>;
  /** Number of gold calls → weight. */
  callsSingleTurn: Weights;
  callsMultiTurn: Weights;
  /** Tools in the menu → weight, for tasks with one call. */
  menuOneCall: Weights;
  /** The same for tasks with two calls or more. */
  menuMoreCalls: Weights;
}

/** The published distribution: with one call a menu of 2–4 tools in 0.4 of the specs, of 5–8 in 0.6. */
export function publishedSpecTable(switches?: Partial<PublishedSwitches>): SpecTable {
  const small = 0.4 / 3;
  const large = 0.6 / 4;
  return {
    domains: domainWeights(switches),
    contextTypes: { single_turn: 0.9, multi_turn: 0.1 },
    callsSingleTurn: { 1: 0.8, 2: 0.2 },
    callsMultiTurn: { 1: 1 },
    menuOneCall: { 2: small, 3: small, 4: small, 5: large, 6: large, 7: large, 8: large },
    menuMoreCalls: { 3: 0.3, 4: 0.4, 5: 0.3 },
  };
}

/**
 * Draws one control spec.
 * @throws ConfigError when a table has no positive weight or a count that is not a whole number from 1
 */
export function sampleSpec(random: Random, table: SpecTable = publishedSpecTable()): ControlSpec {
  const contextType = random.weighted(table.contextTypes);
  const calls = contextType === 'multi_turn' ? table.callsMultiTurn : table.callsSingleTurn;
  const numCalls = count(random.weighted(calls));
  const menu = numCalls > 1 ? table.menuMoreCalls : table.menuOneCall;
  const toolMenuSize = count(random.weighted(menu));
  return { domain: random.weighted(table.domains), contextType, toolMenuSize, numCalls };
}

/** `n` control specs, drawn one after another. */
export function sampleSpecs(random: Random, n: number, table?: SpecTable): ControlSpec[] {
  return Array.from({ length: n }, () => sampleSpec(random, table));
}

function count(key: string): number {
  if (!/^[1-9]\d*$/.test(key))
    throw new ConfigError(`'${key}' in a spec table: expected a whole number from 1`);
  return Number(key);
}
