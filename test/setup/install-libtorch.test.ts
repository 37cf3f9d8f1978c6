import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { SetupError } from '../../lib/binding/errors';
import { installLibtorch, type InstallOptions } from '../../lib/setup/install-libtorch';
import * as platform from '../../lib/setup/platform';
import { makeFakePython, type FakePython } from './fake-python';

jest.mock('../../lib/setup/platform', () => ({
  ...jest.requireActual<typeof platform>('../../lib/setup/platform'),
  hasCudaDriver: jest.fn(() => false),
}));

const environment = { ...process.env };
let fake: FakePython;
let lines: string[];

const install = (options: Partial<InstallOptions> = {}) =>
  installLibtorch({ device: 'auto', log: (line) => lines.push(line), ...options });

beforeEach(() => {
  fake = makeFakePython();
  lines = [];
  process.env.PYTHON = fake.python;
  process.env.TOOL_R0_CACHE = fake.cache;
  process.env.FAKE_CALLS = path.join(fake.root, 'calls');
  jest.mocked(platform.hasCudaDriver).mockReturnValue(false);
});

afterEach(() => {
  process.env = { ...environment };
  fake.remove();
});

test('installs the CPU build, says where and how large, and leaves nothing else behind', async () => {
  const libtorch = await install();
  expect(libtorch).toMatchObject({
    version: '2.13.0',
    flavour: 'cpu',
    dir: path.join(fake.cache, 'libtorch-2.13.0/torch'),
  });
  expect(fs.readdirSync(fake.cache)).toEqual(['libtorch-2.13.0']);
  expect(fake.calls()).toEqual(['torch==2.13.0']);
  expect(lines.join('\n')).toMatch(/700 MB on disk.*\n.*TOOL_R0_LIBTORCH/);
});

test('passes --index-url and --wheel through', async () => {
  await install({ indexUrl: 'https://index.example/simple' });
  const wheel = path.join(fake.root, 'torch-2.12.1-cp312-cp312-linux_x86_64.whl');
  fs.writeFileSync(wheel, '');
  process.env.FAKE_VERSION = '2.12.1';
  expect((await install({ wheel })).dir).toContain('libtorch-2.12.1');
  expect(fake.calls()).toEqual(['torch==2.13.0 index=https://index.example/simple', wheel]);
});

test('a CUDA build without a driver stops before fetching it, with sizes and the CPU alternative', async () => {
  process.env.FAKE_FLAVOUR = 'cuda';
  await expect(install()).rejects.toThrow(
    /4\.3 GB.*--device cuda.*--device cpu --index-url.*TOOL_R0_LIBTORCH/s,
  );
  await expect(install({ device: 'cpu' })).rejects.toThrow(SetupError);
  expect(fake.calls()).toEqual([]);
});

test('a CUDA build brings the CUDA packages it needs, and no others', async () => {
  process.env.FAKE_FLAVOUR = 'cuda';
  jest.mocked(platform.hasCudaDriver).mockReturnValue(true);
  const libtorch = await install();
  expect(libtorch).toMatchObject({
    flavour: 'cuda',
    dir: path.join(fake.cache, 'libtorch-2.13.0-cuda/torch'),
  });
  const site = path.dirname(libtorch.dir);
  expect(fs.readdirSync(path.join(site, 'nvidia')).sort()).toEqual(['beside', 'nccl']);
  expect(fake.calls()).toEqual(['torch==2.13.0', 'nvidia-nccl-cu13==2.30; platform_system == "Linux"']);
});

test('--device cuda refuses a CPU build', async () => {
  await expect(install({ device: 'cuda' })).rejects.toThrow(/gives a CPU build.*--index-url/);
  expect(fs.existsSync(path.join(fake.cache, 'libtorch-2.13.0'))).toBe(false);
});

test("a failure shows pip's last lines and the ways out, and a second try goes on", async () => {
  process.env.FAKE_FAIL = 'torch==';
  await expect(install()).rejects.toThrow(
    /could not provide torch==2\.13\.0.*--wheel FILE.*no route to host/s,
  );
  delete process.env.FAKE_FAIL;
  expect((await install()).version).toBe('2.13.0');
});

test('a set-up killed half-way resumes with what was complete, and takes over its lock', async () => {
  process.env.FAKE_FLAVOUR = 'cuda';
  const script = `require(process.argv[1]).installLibtorch({ device: 'cuda', log() {} })`;
  const module = path.join(__dirname, '../../dist/setup/install-libtorch.js');
  const child = spawn(process.execPath, ['-e', script, module], {
    env: { ...process.env, FAKE_SLEEP: 'nvidia' },
    detached: true,
  });
  const closed = new Promise((resolve) => child.once('close', resolve));
  const deadline = Date.now() + 30_000;
  while (fake.calls().length < 2 && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 50));
  process.kill(-child.pid!, 'SIGKILL');
  await closed;
  expect(fake.calls()).toHaveLength(2);
  expect(fs.existsSync(path.join(fake.cache, 'setup.lock'))).toBe(true);

  const libtorch = await install({ device: 'cuda' });
  expect(libtorch.flavour).toBe('cuda');
  expect(fake.calls().filter((call) => call.startsWith('torch'))).toHaveLength(1);
  expect(lines.join('\n')).toContain('interrupted');
  expect(fs.readdirSync(fake.cache)).toEqual(['libtorch-2.13.0-cuda']);
  expect(fs.readdirSync(path.dirname(libtorch.dir))).not.toContain('half');
});

test('two at once fetch once after the other', async () => {
  await Promise.all([install(), install()]);
  expect(fs.readdirSync(fake.cache)).toEqual(['libtorch-2.13.0']);
});

test('no interpreter, no pip, no such wheel, a cache that cannot be written: one clear line each', async () => {
  await expect(install({ wheel: '/nowhere/torch.whl' })).rejects.toThrow(/--wheel: there is no file/);
  process.env.TOOL_R0_CACHE = path.join(fake.python, 'below-a-file');
  await expect(install()).rejects.toThrow(/cannot write to the cache folder.*TOOL_R0_CACHE/);
  process.env.PYTHON = '/nowhere/python3';
  await expect(install()).rejects.toThrow(/no python3.*TOOL_R0_LIBTORCH/);
});
