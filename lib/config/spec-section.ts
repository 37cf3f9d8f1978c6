import { z } from 'zod';

/** The 33 named domains, each as likely as another. (The published code lists customer_support without ever drawing it.) */
const DOMAINS = [
  'finance', 'travel', 'math', 'sports', 'weather', 'system', 'database', 'vehicle_control', 'communication', 'entertainment',
  'retail_ecommerce', 'scheduling', 'cloud_infrastructure', 'geolocation', 'web_search', 'memory_management', 'programming', 'iot',
  'social_media', 'logistics', 'real_estate', 'food_ordering', 'healthcare', 'education', 'productivity', 'insurance',
  'cybersecurity', 'legal', 'government', 'news', 'translation', 'utilities', 'customer_support',
]; // prettier-ignore

const weight = z.number().min(0);

/** Name → weight; weights need not add up to 1. */
const table = (values: Record<string, number>, description: string) =>
  z.record(z.string(), weight).default(values).meta({ description });

const wholeNumber = /^[1-9]\d*$/;

/** Whole number → weight. */
const countTable = (values: Record<string, number>, description: string) =>
  z
    .record(z.string().regex(wholeNumber, 'keys must be whole numbers from 1'), weight)
    .default(values)
    .meta({ description });

/** Distribution of control specs (what a Generator prompt asks for). Tables are replaced as a whole, not merged. */
export const specSection = z
  .strictObject({
    domains: table(Object.fromEntries(DOMAINS.map((domain) => [domain, 1])), 'Domains by weight.'),
    contextTypes: z
      .strictObject({
        single_turn: weight.default(0.9).meta({ description: 'Weight of single-turn tasks.' }),
        multi_turn: weight.default(0.1).meta({ description: 'Weight of tasks with a short conversation.' }),
      })
      .prefault({}),
    callsSingleTurn: countTable({ 1: 0.8, 2: 0.2 }, 'Number of gold calls of single-turn tasks, by weight.'),
    callsMultiTurn: countTable({ 1: 1 }, 'Number of gold calls of multi-turn tasks, by weight.'),
    menuOneCall: countTable(
      { 2: 0.4 / 3, 3: 0.4 / 3, 4: 0.4 / 3, 5: 0.15, 6: 0.15, 7: 0.15, 8: 0.15 },
      'Tools in the menu of tasks with one call, by weight.',
    ),
    menuMoreCalls: countTable(
      { 3: 0.3, 4: 0.4, 5: 0.3 },
      'Tools in the menu of tasks with two calls or more, by weight.',
    ),
  })
  .prefault({});
