import { CompletionReader } from '../../lib/driver/completion-reader';
import { nextTurn } from '../../lib/io/yielding';

const decode = (tokens: ArrayLike<number>) => Array.from(tokens).join('-');
const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await nextTurn();
};

describe('reading completions while others are generated', () => {
  test('reads what has ended before the rollout has', async () => {
    const read: number[] = [];
    const reader = new CompletionReader(3, decode, (_, row) => read.push(row));
    reader.add(2, [7]);
    reader.add(0, [1, 2]);
    expect(read).toEqual([]); // not inside the callback of the native side
    await turns(3);
    expect(read).toEqual([2, 0]);
    await reader.finish((row) => [row, row]);
    expect(read).toEqual([2, 0, 1]);
    expect(reader.texts).toEqual(['1-2', '1-1', '7']);
  });

  test('each row once, however often and whenever it is named', async () => {
    const rows: number[] = [];
    const reader = new CompletionReader(2, decode, async (text, row) => {
      await nextTurn();
      rows.push(row);
      return `${row}:${text}`;
    });
    reader.add(1, [5]);
    reader.add(1, [6]);
    await turns(5);
    reader.add(1, [7]);
    await reader.finish(() => [9]);
    expect(rows).toEqual([1, 0]);
    expect(reader.readings).toEqual(['0:9', '1:5']);
  });

  test('a reading that throws fails the batch, at the end, once', async () => {
    const reader = new CompletionReader(3, decode, (_, row) => {
      if (row === 1) throw new Error('the reward of row 1');
    });
    reader.add(1, [1]);
    await turns(3);
    await expect(reader.finish(() => [0])).rejects.toThrow('the reward of row 1');
  });

  test('lets the event loop turn during long readings', async () => {
    let turned = 0;
    let going = true;
    const count = () => {
      turned++;
      if (going) setImmediate(count);
    };
    setImmediate(count);
    const reader = new CompletionReader(20, decode, () => {
      const end = performance.now() + 3;
      while (performance.now() < end);
    });
    await reader.finish(() => [1]);
    going = false;
    expect(turned).toBeGreaterThanOrEqual(8); // 60 ms of work in slices of 5 ms
  });

  test('after an abandoned rollout nothing more is read', async () => {
    const rows: number[] = [];
    const reader = new CompletionReader(2, decode, (_, row) => rows.push(row));
    reader.add(0, [1]);
    reader.abandon();
    await turns(3);
    expect(rows).toEqual([]);
  });
});
