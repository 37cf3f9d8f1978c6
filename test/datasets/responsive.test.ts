import { loadTrainingTasks } from '../../lib/datasets/load-training-tasks';
import { TestFolder } from './files';

let folder: TestFolder;
beforeEach(() => (folder = new TestFolder()));
afterEach(() => folder.remove());
afterEach(() => jest.restoreAllMocks());

test('the event loop turns between the rows, not only between the chunks of a file', async () => {
  const rows = Array.from({ length: 500 }, (_, index) => ({
    id: index,
    query: 'Switch on the lamp.',
    tools: [{ name: 'on', parameters: { lamp: { type: 'str' } } }],
    answers: [{ name: 'on', arguments: { lamp: 'hall' } }],
  }));
  const file = folder.lines('f.jsonl', rows);
  // By this clock every row takes longer than a slice of the event loop.
  let clock = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => (clock += 1000));
  const turns = jest.spyOn(globalThis, 'setImmediate');
  expect((await loadTrainingTasks(file)).records).toHaveLength(500);
  // One turn per row to read it, and one to note what is odd about it.
  expect(turns.mock.calls.length).toBeGreaterThanOrEqual(1000);
});
