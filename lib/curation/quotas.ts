import type { Difficulty } from '../tasks/task';
import { roundHalfEven } from '../text';

export type DifficultyShares = Readonly<Partial<Record<Difficulty, number>>>;

export const DEFAULT_SHARES = { easy: 0.2, medium: 0.5, hard: 0.3 } as const satisfies DifficultyShares;

/**
 * How many tasks each domain gives to a curriculum of `total`: in proportion to its weight among the domains at hand,
 * at most what it has; what is left over goes round the domains that have more, by weight and then by what they have
 * left. A domain without a weight gets left-overs only. Without any weight the shares are equal.
 *
 * @param supply tasks per domain, in the order in which the domains first appear
 * @returns domains with a quota above 0, in the order in which they are served
 */
export function domainQuotas(
  supply: ReadonlyMap<string, number>,
  total: number,
  weights: Readonly<Record<string, number>>,
): Map<string, number> {
  const normalized = normalize(new Map(Object.entries(weights)));
  const quotas = normalized === null ? evenQuotas(supply, total) : weightedQuotas(supply, total, normalized);
  return new Map([...quotas].filter(([, quota]) => quota > 0));
}

function evenQuotas(supply: ReadonlyMap<string, number>, total: number): Map<string, number> {
  const base = Math.floor(total / Math.max(1, supply.size));
  const quotas = new Map([...supply].map(([domain, count]) => [domain, Math.min(base, count)]));
  let rest = total - sum(quotas.values());
  const headroom = (domain: string) => supply.get(domain)! - quotas.get(domain)!;
  // The order is fixed before anything is given out.
  for (const domain of [...supply.keys()].sort((a, b) => headroom(b) - headroom(a))) {
    const taken = Math.max(0, Math.min(headroom(domain), rest));
    quotas.set(domain, quotas.get(domain)! + taken);
    rest -= taken;
  }
  return quotas;
}

function weightedQuotas(
  supply: ReadonlyMap<string, number>,
  total: number,
  weights: ReadonlyMap<string, number>,
): Map<string, number> {
  const atHand = new Map([...weights].filter(([domain]) => supply.has(domain)));
  for (const domain of supply.keys()) if (!atHand.has(domain)) atHand.set(domain, 0);
  const share = normalize(atHand) ?? new Map([...supply.keys()].map((domain) => [domain, 1 / supply.size]));
  const domains = [...share.keys()].sort((a, b) => share.get(b)! - share.get(a)!);
  const quotas = new Map<string, number>();
  let rest = total;
  for (const domain of domains) {
    const wanted = roundHalfEven(total * share.get(domain)!);
    const quota = Math.max(0, Math.min(wanted, supply.get(domain)!, rest));
    quotas.set(domain, quota);
    rest -= quota;
  }
  const headroom = (domain: string) => supply.get(domain)! - quotas.get(domain)!;
  const open = domains
    .filter((domain) => headroom(domain) > 0)
    .map((domain) => ({ domain, share: share.get(domain)!, room: headroom(domain) }))
    .sort((a, b) => b.share - a.share || b.room - a.room)
    .map(({ domain }) => domain);
  while (rest > 0 && open.some((domain) => headroom(domain) > 0)) {
    for (const domain of open) {
      if (rest === 0) break;
      if (headroom(domain) === 0) continue;
      quotas.set(domain, quotas.get(domain)! + 1);
      rest--;
    }
  }
  return quotas;
}

/** Weights that add up to 1; null if they add up to nothing. */
function normalize(weights: ReadonlyMap<string, number>): Map<string, number> | null {
  const total = sum(weights.values());
  return total > 0 ? new Map([...weights].map(([domain, weight]) => [domain, weight / total])) : null;
}

/** How many of `total` tasks shall be easy, medium and hard. Easy and medium round half to even; hard gets the rest. */
export function difficultyTargets(
  total: number,
  shares: DifficultyShares = DEFAULT_SHARES,
): Record<Difficulty, number> {
  const { easy = 0, medium = 0, hard = 0 } = shares;
  const all = easy + medium + hard;
  const share = all > 0 ? { easy: easy / all, medium: medium / all } : DEFAULT_SHARES;
  const numEasy = Math.min(total, Math.max(0, roundHalfEven(total * share.easy)));
  const numMedium = Math.min(total - numEasy, Math.max(0, roundHalfEven(total * share.medium)));
  return { easy: numEasy, medium: numMedium, hard: total - numEasy - numMedium };
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
