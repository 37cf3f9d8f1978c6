/**
 * Compatibility switches: where this project departs from the published Tool-R0 code, one boolean per departure.
 * `true` brings the published behaviour back; everything is `false` by default. Departures that nobody could want
 * back (a reward file that does not compile, a cache keyed by object id, crashes on hostile text) have no switch.
 */
export interface PublishedSwitches {
  /** Gold and Solver answer are reduced to their first call in the Generator's rewards (existence, arguments, p̂). */
  firstCallOnly: boolean;
  /** `required` is read inside `parameters` only; otherwise the tool's top level is read too. */
  requiredInsideParametersOnly: boolean;
  /** p̂ compares canonical JSON read by a strict parser with case-sensitive tags; otherwise the Solver's own matcher decides. */
  strictJsonProbe: boolean;
  /** The control spec (domain, menu size, number of calls, unique tool names) does not gate the Generator's reward. */
  noSpecGate: boolean;
  /** Cross-verification compares tool names only; otherwise full calls. */
  namesOnlyVerification: boolean;
  /** Cross-verification samples at temperature 0.001; otherwise at a real temperature. */
  lowTemperatureVerification: boolean;
  /** Probe, verification and training each lay out the Solver's prompt differently; otherwise one prompt everywhere. */
  threeSolverPrompts: boolean;
  /** The judge's score is the first digit 1–5 anywhere in the reply; otherwise an anchored reader. */
  looseJudgeReader: boolean;
  /** Any "..." in gold or answer voids the parse; otherwise only a bare ellipsis placeholder does. */
  ellipsisVoidsParse: boolean;
  /** The curriculum is shuffled before training; otherwise the order is easy → hard. */
  shuffledCurriculum: boolean;
  /** customer_support is listed as a domain but never drawn; otherwise all 33 domains are. */
  weightlessCustomerSupport: boolean;
}

/** This project's own behaviour throughout. */
export const NONE_PUBLISHED: Readonly<PublishedSwitches> = Object.freeze({
  firstCallOnly: false,
  requiredInsideParametersOnly: false,
  strictJsonProbe: false,
  noSpecGate: false,
  namesOnlyVerification: false,
  lowTemperatureVerification: false,
  threeSolverPrompts: false,
  looseJudgeReader: false,
  ellipsisVoidsParse: false,
  shuffledCurriculum: false,
  weightlessCustomerSupport: false,
});

/** Every switch by name, in declaration order. */
export const PUBLISHED_SWITCH_NAMES = Object.freeze(
  Object.keys(NONE_PUBLISHED) as (keyof PublishedSwitches)[],
);

/** The published behaviour throughout. */
export const ALL_PUBLISHED: Readonly<PublishedSwitches> = Object.freeze(
  Object.fromEntries(PUBLISHED_SWITCH_NAMES.map((name) => [name, true])) as unknown as PublishedSwitches,
);

/** Fills the switches left out with this project's own behaviour. */
export function resolvePublished(switches?: Partial<PublishedSwitches>): PublishedSwitches {
  return { ...NONE_PUBLISHED, ...switches };
}
