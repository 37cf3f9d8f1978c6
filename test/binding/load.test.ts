import * as path from 'node:path';

import type { NativeAddon } from '../../lib/binding/addon';
import type { Libtorch } from '../../lib/setup/libtorch';
import { packageRoot } from '../../lib/setup/paths';

const findLibtorch = jest.fn<Libtorch | undefined, []>();
const nodeGypBuild = jest.fn<NativeAddon, [string]>();
jest.mock('../../lib/setup/libtorch', () => ({ findLibtorch }));
jest.mock('node-gyp-build', () => nodeGypBuild);

const real = jest.requireActual<typeof import('../../lib/setup/libtorch')>('../../lib/setup/libtorch');

/** A fresh copy of the loader: it remembers the addon. */
function load(): NativeAddon {
  let addon: NativeAddon | undefined;
  jest.isolateModules(() => {
    addon = jest.requireActual<typeof import('../../lib/binding/load')>('../../lib/binding/load').loadAddon();
  });
  return addon!;
}

const addonOfAbi = (abiCompiled: string, abiLoaded: string): NativeAddon =>
  ({
    buildInfo: () => ({ libtorchVersion: '2.12.0', abiCompiled, abiLoaded }),
    stopComputeThread: () => true, // called when this process exits
  }) as unknown as NativeAddon;

beforeEach(() => {
  findLibtorch.mockReturnValue(real.findLibtorch());
});

test('without libtorch the error names the command and the way around it', () => {
  findLibtorch.mockReturnValue(undefined);
  expect(load).toThrow(/libtorch is not set up\. Run `npx tool-r0-native setup`, or set TOOL_R0_LIBTORCH/);
});

test('a libtorch that does not load is named', () => {
  const broken = { ...real.findLibtorch()!, dir: '/nowhere' };
  findLibtorch.mockReturnValue(broken);
  expect(load).toThrow(/\/nowhere\/lib\/libtorch\.so does not load: .*npx tool-r0-native doctor/s);
});

test('an addon that is not built and one that does not load are told apart', () => {
  nodeGypBuild.mockImplementation((dir) => {
    expect(dir).toBe(packageRoot);
    throw new Error('No native build was found for platform=linux');
  });
  expect(load).toThrow(/^the native addon is not built\. Run `npx tool-r0-native setup`\.$/);
  nodeGypBuild.mockImplementation(() => {
    throw new Error('undefined symbol: _ZN2at4_ops');
  });
  expect(load).toThrow(/does not load: undefined symbol.*Run `npx tool-r0-native setup`/s);
});

test('an addon of another libtorch is refused although it loads', () => {
  nodeGypBuild.mockReturnValue(addonOfAbi('0x020c000000000000', '0x020d000000000000'));
  expect(load).toThrow(
    /built for libtorch 2\.12\.0 \(ABI 0x020c.*has ABI 0x020d.*Run `npx tool-r0-native setup`/s,
  );
  const fitting = addonOfAbi('0x020d000000000000', '0x020d000000000000');
  nodeGypBuild.mockReturnValue(fitting);
  expect(load()).toBe(fitting);
});

test('the package root is the folder of package.json', () => {
  expect(packageRoot).toBe(path.join(__dirname, '../..'));
});
