import { ENUM_VALUES, INTEGER_PARAMETERS } from './lexicon';

/**
 * Combinations that no training document contains; held-out tasks are made of them. Words are never held out: an
 * embedding that was never trained breaks a tiny model whatever it has learnt.
 */

/** About one verb–object pair in six. */
export function isHeldOutPair(verb: string, object: string): boolean {
  return stableHash(`pair ${verb} ${object}`) % 6 === 0;
}

/** About one name in five for each parameter; numbers and enumerations are never held out. */
export function isHeldOutValue(parameter: string, value: string | number): boolean {
  if (INTEGER_PARAMETERS.has(parameter) || parameter in ENUM_VALUES) return false;
  return stableHash(`value ${parameter} ${value}`) % 5 === 0;
}

/** One of the two phrasings of a parameter, in about one domain in four. */
export function heldOutPhrasing(domain: string, parameter: string): 0 | 1 | null {
  const hash = stableHash(`phrasing ${domain} ${parameter}`);
  return hash % 4 === 0 ? (((hash >>> 8) & 1) as 0 | 1) : null;
}

/** FNV-1a, 32 bit: decides which combinations are held out, independent of any seed. */
function stableHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  // FNV's low bits mix poorly for short strings; a final avalanche makes `% n` fair.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35) >>> 0;
  return (hash ^ (hash >>> 16)) >>> 0;
}
