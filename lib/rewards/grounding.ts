import { casefold, foldSpace, nfkc, pyStr, type PyValue } from '../text';
import { readFloat } from './float';

const NUMBER_WORDS = [
  ...[
    'zero',
    'one',
    'two',
    'three',
    'four',
    'five',
    'six',
    'seven',
    'eight',
    'nine',
    'ten',
    'eleven',
    'twelve',
  ],
  ...['thirteen', 'fourteen', 'fifteen', 'sixteen', 'seventeen', 'eighteen', 'nineteen'],
];
const TENS = ['twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];

const WORD_OF_NUMBER = new Map<bigint, string>([
  ...NUMBER_WORDS.map((word, i) => [BigInt(i), word] as const),
  ...TENS.map((word, i) => [BigInt(20 + 10 * i), word] as const),
]);
const NUMBER_OF_WORD = new Map([...WORD_OF_NUMBER].map(([number, word]) => [word, String(number)]));

/**
 * Text for comparing a value with a question: NFKC, case-folded, everything but ASCII letters and digits a space, runs
 * of spaces one. (So "Café" becomes "caf", and a text in another script becomes empty.)
 */
export function normalizeText(text: string): string {
  return foldSpace(casefold(nfkc(text)).replace(/[^a-z0-9]+/g, ' '));
}

/**
 * The spellings under which an argument value may stand in a question: its text, and if that is a whole number, its
 * digits, its digits with separated thousands, and its word (zero to nineteen and the tens); a number word also as
 * digits. Empty for a value without a letter or digit.
 */
export function groundingVariants(value: PyValue): string[] {
  const text = normalizeText(pyStr(value));
  const variants = new Set<string>();
  if (text !== '') variants.add(text);
  const number = readFloat(pyStr(value));
  if (number !== null && Number.isInteger(number)) {
    const integer = BigInt(number);
    variants.add(normalizeText(String(integer)));
    if (integer >= 1000n || integer <= -1000n) variants.add(normalizeText(withThousands(integer)));
    const word = WORD_OF_NUMBER.get(integer);
    if (word !== undefined) variants.add(word);
  }
  const digits = NUMBER_OF_WORD.get(text);
  if (digits !== undefined) variants.add(digits);
  return [...variants];
}

/** A question that answers many times whether a value stands in it, as whole words. */
export class GroundingText {
  private readonly text: string;

  constructor(question: string) {
    // Only letters, digits and single spaces are left, so that word boundaries are spaces.
    this.text = ` ${normalizeText(question)} `;
  }

  /** Booleans and nulls need not be said; a value without any spelling cannot be. */
  holds(value: PyValue): boolean {
    if (value === null || typeof value === 'boolean') return true;
    return groundingVariants(value).some((variant) => this.text.includes(` ${variant} `));
  }
}

function withThousands(integer: bigint): string {
  return String(integer).replace(/\B(?=(?:\d{3})+$)/g, ',');
}
