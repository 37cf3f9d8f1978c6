import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import * as record from '../../lib/setup/build-record';
import { findLibtorch, inspectLibtorch } from '../../lib/setup/libtorch';
import * as platform from '../../lib/setup/platform';
import { makeLibtorch } from './fake-python';

jest.mock('../../lib/setup/platform', () => ({
  ...jest.requireActual<typeof platform>('../../lib/setup/platform'),
  hasCudaDriver: jest.fn(() => false),
}));
jest.mock('../../lib/setup/build-record', () => ({
  ...jest.requireActual<typeof record>('../../lib/setup/build-record'),
  builtWith: jest.fn(() => undefined),
}));

const environment = { ...process.env };
let root: string;

beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-libtorch-'));
  delete process.env.TOOL_R0_LIBTORCH;
  process.env.TOOL_R0_CACHE = path.join(root, 'cache');
  jest.mocked(platform.hasCudaDriver).mockReturnValue(false);
  jest.mocked(record.builtWith).mockReturnValue(undefined);
});

afterEach(() => {
  process.env = { ...environment };
  fs.rmSync(root, { recursive: true, force: true });
});

test('TOOL_R0_LIBTORCH may name libtorch, a site-packages or a Python environment', () => {
  const torch = makeLibtorch(path.join(root, 'env/lib/python3.12/site-packages/torch'), '2.13.0');
  for (const name of [torch, path.dirname(torch), path.join(root, 'env')]) {
    process.env.TOOL_R0_LIBTORCH = name;
    expect(findLibtorch()).toMatchObject({
      dir: torch,
      version: '2.13.0',
      flavour: 'cpu',
      source: 'TOOL_R0_LIBTORCH',
    });
  }
});

test('a wrong TOOL_R0_LIBTORCH is an error, not ignored', () => {
  makeLibtorch(path.join(root, 'cache/libtorch-2.13.0/torch'), '2.13.0');
  process.env.TOOL_R0_LIBTORCH = path.join(root, 'nothing');
  expect(() => findLibtorch()).toThrow(
    /TOOL_R0_LIBTORCH: .*nothing holds no libtorch.*correct it or unset it/,
  );
});

test.each([
  ['2.10.0', false],
  ['2.11.0', true],
  ['2.14.1+cu130', true],
  ['2.15.0', false],
])('version %s: accepted %s', (version, accepted) => {
  const found = inspectLibtorch(makeLibtorch(path.join(root, 'torch'), version), 'a test');
  expect('problem' in found ? found.problem : found.version).toMatch(
    accepted ? /^2\.1[14]\.\d$/ : /2\.11 to 2\.14 work/,
  );
});

test('the version is read from the archive or the headers where there is no version.py', () => {
  const dir = makeLibtorch(path.join(root, 'libtorch'), '2.13.0');
  fs.rmSync(path.join(dir, 'version.py'));
  expect(inspectLibtorch(dir, '')).toHaveProperty('problem');
  fs.writeFileSync(path.join(dir, 'build-version'), '2.12.0+cpu\n');
  expect(inspectLibtorch(dir, '')).toMatchObject({ version: '2.12.0' });
  fs.rmSync(path.join(dir, 'build-version'));
  fs.mkdirSync(path.join(dir, 'include/torch/headeronly'), { recursive: true });
  const header =
    '#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 14\n#define TORCH_VERSION_PATCH 1\n';
  fs.writeFileSync(path.join(dir, 'include/torch/headeronly/version.h'), header);
  expect(inspectLibtorch(dir, '')).toMatchObject({ version: '2.14.1' });
});

test('an incomplete folder says what is missing', () => {
  const dir = makeLibtorch(path.join(root, 'torch'), '2.13.0');
  fs.rmSync(path.join(dir, 'lib/libc10.so'));
  expect(inspectLibtorch(dir, '')).toEqual({ problem: `${dir} is incomplete: lib/libc10.so is missing` });
});

test('of several in the cache, the flavour of this machine wins, then the default version', () => {
  for (const version of ['2.12.0', '2.13.0', '2.14.1'])
    makeLibtorch(path.join(root, `cache/libtorch-${version}/torch`), version);
  makeLibtorch(path.join(root, 'cache/libtorch-2.13.0-cuda/torch'), '2.13.0', { cuda: true });
  makeLibtorch(path.join(root, 'cache/part-0123/torch'), '2.13.0');
  expect(findLibtorch()).toMatchObject({ version: '2.13.0', flavour: 'cpu' });
  expect(findLibtorch('cuda')).toMatchObject({ flavour: 'cuda' });
  jest.mocked(platform.hasCudaDriver).mockReturnValue(true);
  expect(findLibtorch()).toMatchObject({ version: '2.13.0', flavour: 'cuda' });
});

test('the libtorch of the last build goes before the cache', () => {
  makeLibtorch(path.join(root, 'cache/libtorch-2.13.0/torch'), '2.13.0');
  const libtorchDir = makeLibtorch(path.join(root, 'elsewhere'), '2.14.0');
  const made = {
    libtorchDir,
    libtorchVersion: '2.14.0',
    flavour: 'cpu' as const,
    cudaKernels: false,
    sources: '',
  };
  jest.mocked(record.builtWith).mockReturnValue(made);
  expect(findLibtorch()).toMatchObject({ dir: libtorchDir, source: 'the last build' });
});
