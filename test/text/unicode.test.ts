import {
  casefold,
  codePointLength,
  compareCodePoints,
  digitsToAscii,
  foldSpace,
  ignoreCase,
  roundHalfEven,
  sha16,
  split,
  strip,
} from '../../lib/text';

describe('white space', () => {
  it('is what Python takes for it: separators U+001C–1F and U+0085, but not U+FEFF and U+200B', () => {
    expect(strip('\x1c\x85\u00a0\u3000 a \u2028\x1f')).toBe('a');
    expect(strip('\ufeffa\u200b')).toBe('\ufeffa\u200b');
    expect(split(' a\u00a0b\x1dc ')).toEqual(['a', 'b', 'c']);
    expect(split(' \n')).toEqual([]);
    expect(foldSpace('\t a \n\u2003 b ')).toBe('a b');
  });
});

describe('casefold', () => {
  it.each([
    ['Straße', 'strasse'],
    ['ẞ', 'ss'],
    ['İı', 'i̇ı'],
    ['ΣΑΣς', 'σασσ'],
    ['\ufb01 \u0149 \u0390', 'fi \u02bcn \u03b9\u0308\u0301'],
    ['ſK', 'sk'],
    ['Ꭰꭰᏸ', 'ᎠᎠᏰ'],
    ['µ', 'μ'],
  ])('of %s', (text, folded) => {
    expect(casefold(text)).toBe(folded);
  });
});

describe('code points', () => {
  it('are what is counted and compared', () => {
    expect(codePointLength('a😀\ud800')).toBe(3);
    expect(['😀', '\uffff', 'b', 'B', 'ba', ''].sort(compareCodePoints)).toEqual([
      '',
      'B',
      'b',
      'ba',
      '\uffff',
      '😀',
    ]);
  });

  it('of digits of any script are read', () => {
    expect(digitsToAscii('٣५９𝟗𝟘7')).toBe('359907');
  });
});

describe('ignoreCase', () => {
  it('takes the characters Python takes beside the two cases', () => {
    const pattern = new RegExp(`^${ignoreCase('think_as.')}$`);
    for (const text of ['think_as.', 'THINK_AS.', 'thınk_as.', 'thİnk_as.', 'thinK_aſ.']) {
      expect(text).toMatch(pattern);
    }
    expect('think_asx').not.toMatch(pattern);
  });
});

describe('roundHalfEven', () => {
  it.each([
    [0.5, 0, 0],
    [1.5, 0, 2],
    [2.5, 0, 2],
    [-2.5, 0, -2],
    [2.675, 2, 2.67],
    [0.125, 2, 0.12],
    [0.375, 2, 0.38],
    [1e22, 0, 1e22],
  ])('round(%d, %d)', (value, digits, rounded) => {
    expect(roundHalfEven(value, digits)).toBe(rounded);
  });
});

it('sha16 hashes UTF-8', () => {
  expect(sha16('')).toBe('da39a3ee5e6b4b0d');
  expect(sha16('é')).toBe('bf15be717ac1b080');
});
