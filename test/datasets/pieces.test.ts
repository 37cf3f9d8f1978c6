import fc from 'fast-check';

import { LineCutter, ListCutter, type Cutter, type Piece } from '../../lib/datasets/pieces';

function cut(cutter: Cutter, text: string, sizes: readonly number[]): { pieces: Piece[]; open: boolean } {
  const bytes = Buffer.from(text);
  const pieces: Piece[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    pieces.push(...cutter.push(bytes.subarray(at, at + size)));
    at += size;
  }
  const { pieces: rest, open } = cutter.end();
  return { pieces: [...pieces, ...rest], open };
}

const rows = fc.array(fc.jsonValue({ maxDepth: 4 }), { maxLength: 8 });
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 });

test('the items of a list are those that JSON.parse gives, wherever the chunks end', () => {
  fc.assert(
    fc.property(rows, sizes, fc.constantFrom(undefined, 1, '\t'), (list, chunks, space) => {
      const { pieces, open } = cut(new ListCutter(), `\n ${JSON.stringify(list, null, space)} \n`, chunks);
      expect(open).toBe(false);
      expect(pieces.map(({ line }) => line)).toEqual(list.map((_, index) => index + 1));
      expect(pieces.map(({ text }): unknown => JSON.parse(text))).toEqual(JSON.parse(JSON.stringify(list)));
    }),
  );
});

test('a list that is cut anywhere within is open', () => {
  const text = JSON.stringify([{ a: ']' }, '"', [1, { b: '\\' }]]);
  for (let end = 1; end < text.length; end++) {
    expect(cut(new ListCutter(), text.slice(0, end), [5]).open).toBe(true);
  }
});

test('lines are those of the file, wherever the chunks end; blank ones are no rows but count', () => {
  fc.assert(
    fc.property(rows, sizes, fc.constantFrom('\n', '\r\n', '\n\n'), (list, chunks, end) => {
      const texts = list.map((row) => JSON.stringify(row));
      const { pieces } = cut(new LineCutter(), texts.join(end), chunks);
      expect(pieces.map(({ text }) => text.trim())).toEqual(texts);
      const step = end === '\n\n' ? 2 : 1;
      expect(pieces.map(({ line }) => line)).toEqual(texts.map((_, index) => 1 + index * step));
      expect(pieces.map(({ last }) => last)).toEqual(texts.map((_, index) => index === texts.length - 1));
    }),
  );
});
