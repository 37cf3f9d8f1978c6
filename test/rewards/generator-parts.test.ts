import * as fc from 'fast-check';

import { difficultyBand } from '../../lib/rewards/band';
import { lexicalCoherence } from '../../lib/rewards/coherence';
import { readFloat } from '../../lib/rewards/float';
import { GroundingText, groundingVariants } from '../../lib/rewards/grounding';
import { hasInOrder, hasPhrase } from '../../lib/rewards/phrases';
import { isPlaceholderQuestion } from '../../lib/rewards/placeholder';
import { questionDistance, repetitionPenalties } from '../../lib/rewards/repetition';
import { contextTypeOf } from '../../lib/rewards/spec-match';
import { generatorMessages } from '../../lib/roles/generator-prompt';
import { SPEC } from './generator-fixtures';

describe('difficultyBand', () => {
  it('has the published values at K = 8', () => {
    const values = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((k) => Number(difficultyBand(k / 8).toFixed(4)));
    expect(values).toEqual([0, 0.5813, 1, 1, 1, 1, 1, 0.5813, 0.1142]);
  });

  it('is from 0 to 1 and 0 for what is no number', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 64 }),
        (p, samples) => {
          const band = difficultyBand(p, { samples });
          return band >= 0 && band <= 1;
        },
      ),
    );
    expect(difficultyBand(NaN)).toBe(0);
  });
});

describe('grounding', () => {
  it('finds a value said in digits, with separated thousands or as a word', () => {
    const text = new GroundingText(
      'Move twelve boxes worth 12,500 dollars to Zürich by 2026-03-14, not one more',
    );
    expect(
      [12, '12', 12500, '12500', 'boxes', 'ZÜRICH', '2026-03-14', 1, true, null].map((v) => text.holds(v)),
    ).toEqual(Array(10).fill(true));
    expect([125, 'box', '', '漢字', 2.5, 'zurich by 2026 03 15'].map((value) => text.holds(value))).toEqual(
      Array(6).fill(false),
    );
  });

  it('finds any value in a question that quotes it between words', () => {
    const words = fc.stringMatching(/^[A-Za-z0-9]{1,12}( [A-Za-z0-9]{1,12}){0,3}$/);
    fc.assert(
      fc.property(words, words, (value, other) =>
        new GroundingText(`${other}, "${value}"; ${other}`).holds(value),
      ),
    );
  });

  it('gives every spelling of a number', () => {
    expect(groundingVariants(20).sort()).toEqual(['20', 'twenty']);
    expect(groundingVariants('1_000').sort()).toEqual(['1 000', '1000']);
  });
});

describe('readFloat', () => {
  it('reads what Python reads', () => {
    expect(['1_0.5e+1', ' ٣ ', '-inf', '.5', '5.', '1e400'].map(readFloat)).toEqual([
      105,
      3,
      -Infinity,
      0.5,
      5,
      Infinity,
    ]);
    expect(['', '1__0', '_1', '0x10', '1 0', '\x1c1', '.', 'e5', '--1'].map(readFloat)).toEqual(
      Array(9).fill(null),
    );
  });
});

describe('placeholder questions', () => {
  it('are recognised when they echo this project’s own prompt', () => {
    const [system] = generatorMessages(SPEC);
    const blocks = /<question>\n(.*?)\n<\/question>/s.exec(system!.content)!;
    expect(isPlaceholderQuestion(blocks[1]!)).toBe(true);
    expect(isPlaceholderQuestion(system!.content)).toBe(true);
    expect(isPlaceholderQuestion('Book a table for two at seven.')).toBe(false);
  });

  it('are searched for without backtracking (the test would time out)', () => {
    expect(isPlaceholderQuestion('[generated user questio'.repeat(40_000))).toBe(false);
    expect(hasInOrder('[ab'.repeat(300_000), ['[', 'abc', ']'])).toBe(false);
  });

  it('respect word boundaries of every script', () => {
    expect(hasPhrase('éasy', 'asy')).toBe(false);
    expect(hasPhrase('𝒜asy', 'asy')).toBe(false);
    expect(hasPhrase('😀asy', 'asy')).toBe(true);
    expect(hasPhrase('asy𝒜 asy', 'asy')).toBe(true);
  });
});

describe('repetitionPenalties', () => {
  it('grow with the cluster', () => {
    const question = 'Please track the parcel RR123 with DHL';
    expect(repetitionPenalties([question, `${question}!`, 'Something else entirely, at noon', null])).toEqual(
      [-0.1, -0.1, -0.05, 0],
    );
    expect(repetitionPenalties([question, null])).toEqual([0, 0]);
    expect(repetitionPenalties([question, question], { strength: 1 })).toEqual([-1, -1]);
  });

  it('measure a distance', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        const distance = questionDistance(a, b);
        expect(distance).toBe(questionDistance(b, a));
        expect(distance >= 0 && distance <= 1).toBe(true);
        expect(questionDistance(a, a)).toBe(0);
      }),
    );
  });
});

describe('lexicalCoherence', () => {
  const menu = ['start_movie', 'startPlaylist', 'stop_movie', 'get_weather'].map((name) => ({ name }));
  const score = (question: string, ...gold: string[]) =>
    lexicalCoherence(question, menu, gold.map((name) => ({ name }))); // prettier-ignore

  it('compares the gold tool with the others of the menu', () => {
    expect(score('Can you start the MOVIE?', 'start_movie')).toBe(1);
    expect(score('Can you start it?', 'start_movie')).toBe(0.75);
    expect(score('Start the playlist', 'start_movie')).toBe(0.25);
    expect(score('Nothing of the kind', 'start_movie')).toBe(0);
    expect(score('start the playlist', 'startPlaylist')).toBe(1);
  });

  it('takes the mean over the gold calls, which do not compete with each other', () => {
    expect(score('Start the movie and get the weather', 'start_movie', 'get_weather')).toBe(1);
    expect(score('Start the movie', 'start_movie', 'get_weather')).toBe(0.5);
    expect(score('Start the movie')).toBe(0);
    expect(score('Start the movie', 'unknown_movie')).toBe(0);
  });
});

describe('contextTypeOf', () => {
  it('needs a turn of each side', () => {
    expect(contextTypeOf('User: a\nAgent: b\nUser: c')).toBe('multi_turn');
    expect(contextTypeOf('user: a\nAssistant: b')).toBe('multi_turn');
    expect(contextTypeOf('My superuser: and agent: x')).toBe('single_turn');
    expect(contextTypeOf('User: only one')).toBe('single_turn');
  });
});
