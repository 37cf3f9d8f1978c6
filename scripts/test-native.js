'use strict';
// Compiles native/test and runs it with ctest, in the folder where the addon was compiled: the rooms are not compiled again.
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');

const root = path.join(__dirname, '..');
const build = path.join(root, 'build/cmake');
const { findLibtorch } = require('../dist/setup/libtorch.js');
const { checkBuildTools, wantsKernels, jobs } = require('../dist/setup/build-addon.js');
const { withLock } = require('../dist/setup/lock.js');

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

async function compile() {
  const libtorch = findLibtorch();
  if (!libtorch) throw new Error('no libtorch; run `npx tool-r0-native setup`');
  checkBuildTools(libtorch);
  const configure = ['-S', root, '-B', build, ...generator(), '-DTR0_TESTS=ON', '-DCMAKE_BUILD_TYPE=Release'];
  configure.push(`-DTR0_LIBTORCH=${libtorch.dir}`, `-DTR0_CUDA=${wantsKernels(libtorch) ? 'ON' : 'OFF'}`);
  const compileTests = ['--build', build, '--target', 'tr0_tests', '--parallel', String(jobs())];
  const log = (line) => console.log(`tool-r0-native: ${line}`);
  return withLock(
    path.join(root, 'build/build.lock'),
    log,
    async () => run('cmake', configure) || run('cmake', compileTests),
  );
}

function test() {
  const env = {
    ...process.env,
    OMP_NUM_THREADS: process.env.OMP_NUM_THREADS ?? String(Math.min(4, os.availableParallelism())),
    GOMP_SPINCOUNT: process.env.GOMP_SPINCOUNT ?? '20000', // as lib/binding/load.ts
  };
  return run('ctest', ['--test-dir', build, '--output-on-failure', '--no-tests=error'], { env });
}

compile()
  .then((failed) => {
    process.exitCode = failed || test();
  })
  .catch((error) => {
    console.error(`tool-r0-native: ${error.message}`);
    process.exitCode = 1;
  });
