import type { SpecTable } from '../tasks/spec';
import { DOMAIN_NAMES } from './lexicon';

/** What the Generator of the embedded preset is asked for: uniform domains, short menus, few two-call tasks. */
export const TINY_SPEC_TABLE: SpecTable = {
  domains: Object.fromEntries(DOMAIN_NAMES.map((domain) => [domain, 1])),
  contextTypes: { single_turn: 0.75, multi_turn: 0.25 },
  callsSingleTurn: { 1: 0.88, 2: 0.12 },
  callsMultiTurn: { 1: 1 },
  menuOneCall: { 2: 2, 3: 1 },
  menuMoreCalls: { 3: 1 },
};

/** The same with other menu sizes for tasks of one call, each as likely as another, and another share of two-call tasks. */
export function withMenuSizes(sizes: readonly number[], twoCallShare = 0.12): SpecTable {
  return {
    ...TINY_SPEC_TABLE,
    menuOneCall: Object.fromEntries(sizes.map((size) => [size, sizes.filter((s) => s === size).length])),
    callsSingleTurn: { 1: 1 - twoCallShare, 2: twoCallShare },
  };
}
