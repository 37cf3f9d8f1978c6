export const CANDIDATE_ORDERS = ['published', 'shuffled'] as const;
/** Seal-Tools lists the right tool first in 88 % of its rows: shuffled menus are the honest exam. */
export type CandidateOrder = (typeof CANDIDATE_ORDERS)[number];
