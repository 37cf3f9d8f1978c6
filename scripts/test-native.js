'use strict';
// Compiles native/test and runs it with ctest. Node and cmake-js are not involved: the core knows no N-API.
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');

const root = path.join(__dirname, '..');
const build = path.join(root, 'build/native-test');
const { findLibtorch } = require('../dist/setup/libtorch.js');
const { checkBuildTools, wantsKernels, jobs } = require('../dist/setup/build-addon.js');

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (result.error) throw new Error(`${command}: ${result.error.message}`);
  return result.status ?? 1;
}

/** The generator a folder was configured with stays; a new one gets ninja where it is present. */
function generator() {
  if (fs.existsSync(path.join(build, 'CMakeCache.txt'))) return [];
  return spawnSync('ninja', ['--version']).status === 0 ? ['-G', 'Ninja'] : [];
}

function main() {
  const libtorch = findLibtorch();
  if (!libtorch) throw new Error('no libtorch; run `npx tool-r0-native setup`');
  checkBuildTools(libtorch);
  const configure = [
    '-S',
    root,
    '-B',
    build,
    ...generator(),
    '-DTR0_TESTS=ON',
    `-DTR0_LIBTORCH=${libtorch.dir}`,
  ];
  configure.push(`-DTR0_CUDA=${wantsKernels(libtorch) ? 'ON' : 'OFF'}`, '-DCMAKE_BUILD_TYPE=Release');
  const parallel = String(jobs());
  const failed =
    run('cmake', configure) ||
    run('cmake', ['--build', build, '--parallel', parallel]) ||
    run('ctest', ['--test-dir', build, '--output-on-failure', '--no-tests=error'], {
      env: {
        ...process.env,
        OMP_NUM_THREADS: process.env.OMP_NUM_THREADS || String(Math.min(4, os.availableParallelism())),
        GOMP_SPINCOUNT: process.env.GOMP_SPINCOUNT || '1000', // as lib/binding/load.ts
      },
    });
  process.exitCode = failed;
}

try {
  main();
} catch (error) {
  console.error(`tool-r0-native: ${error.message}`);
  process.exitCode = 1;
}
