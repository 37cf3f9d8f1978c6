'use strict';
// Compiles every CUDA kernel to an object file for the architectures that are supported, without libtorch: shows that the
// kernels compile on a machine that has nvcc and perhaps no GPU. Fails when nvcc is present and nothing compiled.
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');

const root = path.join(__dirname, '..');
const { findNvcc } = require('../dist/setup/platform.js');
const ARCHITECTURES = ['sm_80', 'sm_90a'];

const nvcc = findNvcc();
if (!nvcc) {
  console.log('CUDA kernels: skipped, nvcc is not installed');
  process.exit(0);
}
const sources = fs
  .readdirSync(path.join(root, 'native'), { recursive: true })
  .filter((file) => file.endsWith('.cu'))
  .sort();
const out = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-cuda-'));
let kernels = 0;
let failed = 0;
for (const source of sources) {
  const file = path.join(root, 'native', source);
  const count = (fs.readFileSync(file, 'utf8').match(/__global__/g) ?? []).length;
  const codes = ARCHITECTURES.flatMap((name) => [
    '-gencode',
    `arch=${name.replace('sm', 'compute')},code=${name}`,
  ]);
  const args = ['-std=c++17', '-O3', '-Xcompiler', '-fPIC', '-I', path.join(root, 'native'), ...codes];
  const object = path.join(out, `${path.basename(source)}.o`);
  const result = spawnSync(nvcc.path, [...args, '-c', file, '-o', object], { encoding: 'utf8' });
  if (result.status === 0) {
    kernels += count;
    console.log(`  ${source}: ${count} kernels`);
  } else {
    failed += 1;
    console.log(`  ${source}: FAILED\n${result.stdout}${result.stderr}`);
  }
}
fs.rmSync(out, { recursive: true, force: true });
console.log(
  `CUDA kernels: ${kernels} compiled by nvcc ${nvcc.version} for ${ARCHITECTURES.join(' and ')}, from ${sources.length - failed} of ${sources.length} files`,
);
process.exit(failed > 0 || kernels === 0 ? 1 : 0);
