import { z } from 'zod';

import { publishedSpecTable } from '../tasks/spec';

const PUBLISHED = publishedSpecTable();

const weight = z.number().min(0);

/** Name → weight; weights need not add up to 1. */
const table = (values: Readonly<Record<string, number>>, description: string) =>
  z
    .record(z.string(), weight)
    .default({ ...values })
    .meta({ description });

const wholeNumber = /^[1-9]\d*$/;

/** Whole number → weight. */
const countTable = (values: Readonly<Record<string, number>>, description: string) =>
  z
    .record(z.string().regex(wholeNumber, 'keys must be whole numbers from 1'), weight)
    .default({ ...values })
    .meta({ description });

/** Distribution of control specs (what a Generator prompt asks for). Tables are replaced as a whole, not merged. */
export const specSection = z
  .strictObject({
    domains: table(PUBLISHED.domains, 'Domains by weight.'),
    contextTypes: z
      .strictObject({
        single_turn: weight
          .default(PUBLISHED.contextTypes.single_turn)
          .meta({ description: 'Weight of single-turn tasks.' }),
        multi_turn: weight
          .default(PUBLISHED.contextTypes.multi_turn)
          .meta({ description: 'Weight of tasks with a short conversation.' }),
      })
      .prefault({}),
    callsSingleTurn: countTable(PUBLISHED.callsSingleTurn, 'Gold calls of single-turn tasks, by weight.'),
    callsMultiTurn: countTable(PUBLISHED.callsMultiTurn, 'Gold calls of multi-turn tasks, by weight.'),
    menuOneCall: countTable(PUBLISHED.menuOneCall, 'Tools in the menu of tasks with one call, by weight.'),
    menuMoreCalls: countTable(
      PUBLISHED.menuMoreCalls,
      'Tools in the menu of tasks with more calls, by weight.',
    ),
  })
  .prefault({});
