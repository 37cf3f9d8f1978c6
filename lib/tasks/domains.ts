import { resolvePublished, type PublishedSwitches } from '../rewards/published';

/**
 * The 33 named domains of Tool-R0. Their order decides which domain gets the odd task when quotas tie
 * (curation/quotas.ts): it is the order of the published table of weights, with customer_support, which that table
 * leaves out, at the end.
 */
export const DOMAINS = [
  ...['finance', 'healthcare', 'productivity', 'retail_ecommerce', 'scheduling', 'database'],
  ...['cloud_infrastructure', 'system', 'programming', 'geolocation', 'logistics', 'communication'],
  ...['iot', 'cybersecurity', 'insurance', 'legal', 'news', 'weather', 'sports', 'entertainment'],
  ...['education', 'real_estate', 'food_ordering', 'translation', 'utilities', 'government'],
  ...['memory_management', 'web_search', 'social_media', 'math', 'vehicle_control', 'travel'],
  'customer_support',
] as const;

/** Every domain with the same weight; customer_support with none when `weightlessCustomerSupport` is on. */
export function domainWeights(switches?: Partial<PublishedSwitches>): Record<string, number> {
  const { weightlessCustomerSupport } = resolvePublished(switches);
  const drawn = DOMAINS.filter((domain) => !(weightlessCustomerSupport && domain === 'customer_support'));
  return Object.fromEntries(drawn.map((domain) => [domain, 1 / drawn.length]));
}
