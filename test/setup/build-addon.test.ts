import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { checkBuildTools, sourcesHash, staleBuild } from '../../lib/setup/build-addon';
import type { BuildRecord } from '../../lib/setup/build-record';
import type { Libtorch } from '../../lib/setup/libtorch';
import { withLock } from '../../lib/setup/lock';
import * as platform from '../../lib/setup/platform';

let record: BuildRecord | undefined;
let addonFile: string;
jest.mock('../../lib/setup/build-record', () => ({
  builtWith: () => record,
  get addonFile() {
    return addonFile;
  },
}));
jest.mock('../../lib/setup/platform', () => ({
  ...jest.requireActual<typeof platform>('../../lib/setup/platform'),
  findNvcc: jest.fn(() => undefined),
}));

const libtorch: Libtorch = {
  dir: '/libtorch',
  version: '2.13.0',
  flavour: 'cpu',
  source: 'a test',
  hasHeaders: true,
};
const fitting = (): BuildRecord => ({
  libtorchDir: '/libtorch',
  libtorchVersion: '2.13.0',
  flavour: 'cpu',
  cudaKernels: false,
  sources: sourcesHash(),
});
let folder: string;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-build-'));
  addonFile = path.join(folder, 'addon.node');
  fs.writeFileSync(addonFile, '');
  record = fitting();
});

afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

test('a build fits its libtorch, wherever that lies', () => {
  expect(staleBuild(libtorch)).toBeUndefined();
  expect(staleBuild({ ...libtorch, dir: '/moved' })).toBeUndefined();
});

test.each<[string, () => Libtorch, RegExp]>([
  ['there is none', () => (fs.rmSync(addonFile), libtorch), /not built yet/],
  ['its record is missing', () => ((record = undefined), libtorch), /record/],
  [
    'libtorch has another version',
    () => ({ ...libtorch, version: '2.14.1' }),
    /2\.13\.0 \(cpu\), not 2\.14\.1 \(cpu\)/,
  ],
  [
    'libtorch has another flavour',
    () => ({ ...libtorch, flavour: 'cuda' }),
    /2\.13\.0 \(cpu\), not 2\.13\.0 \(cuda\)/,
  ],
  ['its sources changed', () => ((record!.sources = 'older'), libtorch), /sources changed/],
])('a build is remade when %s', (_name, prepare, reason) => {
  expect(staleBuild(prepare())).toMatch(reason);
});

test('a CUDA build without kernels is remade once nvcc is there', () => {
  const cuda: Libtorch = { ...libtorch, flavour: 'cuda' };
  record!.flavour = 'cuda';
  expect(staleBuild(cuda)).toBeUndefined();
  jest.mocked(platform.findNvcc).mockReturnValue({ path: 'nvcc', version: '13.0' });
  expect(staleBuild(cuda)).toMatch(/no CUDA kernels/);
});

test('a libtorch without headers cannot be compiled against, and one line says so', () => {
  expect(() => {
    checkBuildTools({ ...libtorch, hasHeaders: false });
  }).toThrow(/^the addon cannot be compiled: .*\/libtorch has no include\//);
});

test('a lock is exclusive, is released after a failure, and is taken from the dead', async () => {
  const file = path.join(folder, 'a.lock');
  let inside = 0;
  let most = 0;
  const log = jest.fn();
  const hold = () =>
    withLock(file, log, async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 50));
      inside -= 1;
    });
  await Promise.all([hold(), hold()]);
  expect(most).toBe(1);
  expect(log).toHaveBeenCalledWith(expect.stringContaining(`process ${process.pid}`));

  const failing = withLock(file, log, () => Promise.reject(new Error('on purpose')));
  await expect(failing).rejects.toThrow('on purpose');
  expect(fs.existsSync(file)).toBe(false);

  fs.writeFileSync(file, `4194305 ${os.hostname()}`); // above the largest process id
  await hold();
  expect(fs.existsSync(file)).toBe(false);
});
