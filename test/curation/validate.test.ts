import * as fc from 'fast-check';

import { COMPACT_VALIDATION, validate, validateCandidate } from '../../lib/curation/validate';
import { FLIGHT, GOLD, QUESTION, WEATHER, completion } from '../rewards/generator-fixtures';
import { candidate, ids } from './fixtures';

const reasonOf = (parts: Parameters<typeof candidate>[1], options = {}) => {
  const verdict = validateCandidate(candidate('x', parts), options);
  return typeof verdict === 'string' ? verdict : 'ok';
};

describe('validate', () => {
  it('keeps well-formed candidates and names the reasons of the others', () => {
    const result = validate([
      candidate('a'),
      candidate('b', { question: 'Hi' }),
      { id: 'c', text: ' \n' },
      candidate('d'),
      candidate('e', { question: 'short' }),
    ]);
    expect(ids(result.kept)).toEqual(['a', 'd']);
    expect(result.dropped).toEqual([
      { id: 'b', reason: 'placeholder_question' },
      { id: 'c', reason: 'empty_output' },
      { id: 'e', reason: 'placeholder_question' },
    ]);
    expect(result.statistics).toEqual({
      stage: 'validate',
      received: 5,
      kept: 2,
      reasons: { placeholder_question: 2, empty_output: 1 },
    });
    expect(Object.keys(result.statistics.reasons)).toEqual(['placeholder_question', 'empty_output']);
  });

  it('turns a flat map of parameters into a schema', () => {
    const { kept } = validate([candidate('a')]);
    expect(kept[0]!.tools[0]).toEqual({
      ...WEATHER,
      parameters: { type: 'object', properties: WEATHER.parameters, required: ['city'] },
    });
    expect(kept[0]).toMatchObject({ id: 'a', question: QUESTION, gold: GOLD });
  });

  it('reads `required` at the top level and inside parameters', () => {
    const inner = { ...WEATHER, required: [], parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } }; // prettier-ignore
    const parts = { tools: [inner, FLIGHT], gold: [{ name: 'get_weather', arguments: {} }] };
    expect(reasonOf(parts)).toBe('call_missing_required_arg');
    expect(reasonOf(parts, { published: { requiredInsideParametersOnly: true } })).toBe('ok');
  });

  it('looks for the published reasons in order', () => {
    expect(reasonOf({ question: `${QUESTION} 漢字`, tools: [] })).toBe('contains_cjk');
    expect(reasonOf({ tools: [], gold: [] })).toBe('tools_not_list_or_empty');
    expect(reasonOf({ tools: [WEATHER, WEATHER], gold: [] })).toBe('duplicate_tool_name');
    expect(reasonOf({ question: 'What is the weather in Oslo, friend?', gold: [] })).toBe(
      'calls_not_list_or_empty',
    );
    expect(
      reasonOf({ question: 'What is the weather in Oslo, friend?', gold: [{ name: 'get_weather', arguments: { city: 'Oslo' } }] }), // prettier-ignore
    ).toBe('too_trivial_single_call');
  });

  it('may be relaxed for compact prompts, and stricter about the spec and the values', () => {
    const { description: _, ...bare } = WEATHER;
    const compact = { tools: [bare, FLIGHT], question: 'Weather in Oslo, 3 days' };
    expect(reasonOf(compact)).toBe('tool_missing_or_short_description');
    expect(reasonOf(compact, COMPACT_VALIDATION)).toBe('ok');
    expect(reasonOf({ ...compact, question: 'Weather in Rome, 3 days' }, COMPACT_VALIDATION)).toBe(
      'ungrounded_value',
    );
    expect(reasonOf({ tools: [WEATHER] }, COMPACT_VALIDATION)).toBe('spec_tool_menu_size');
    expect(reasonOf({ tools: [WEATHER], question: 'Rome? It is the one for which I need this.' })).toBe('ok');
  });

  it('never throws', () => {
    const pieces = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.constantFrom(
        '<question>',
        '</QUESTION>',
        '<available_tools>',
        '</available_tools>',
        '\udc00',
        completion(),
      ),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 10 }), (parts) => {
        const text = parts.join('');
        const verdict = validateCandidate({ id: 'x', text });
        expect(typeof verdict === 'string' ? verdict : verdict.id).not.toBe('');
      }),
      { numRuns: 300 },
    );
    expect(validateCandidate({ id: 'x', text: '['.repeat(2_000_000) })).toBe('too_long');
  });

  it('fingerprints by form: digits and white space of the question do not count', () => {
    const [a, b, c] = validate([
      candidate('a', { question: `${QUESTION} Room 12.` }),
      candidate('b', { question: ` ${QUESTION}\n\nroom  34. ` }),
      candidate('c', { question: `${QUESTION} Suite 34.` }),
    ]).kept;
    expect(a!.fingerprints.combination).toBe(b!.fingerprints.combination);
    expect(a!.fingerprints.question).not.toBe(c!.fingerprints.question);
    expect(a!.fingerprints.tools).toBe(c!.fingerprints.tools);
  });
});
