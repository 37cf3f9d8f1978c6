'use strict';
// Formats native/ in place, or with --check reports what is not formatted. clang-format is not an npm package: without it on
// the PATH (or in CLANG_FORMAT) nothing is checked, and that is said.
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');

const root = path.join(__dirname, '..');
const program = process.env.CLANG_FORMAT || 'clang-format';
const version = spawnSync(program, ['--version'], { encoding: 'utf8' });
if (version.status !== 0) {
  console.log(`clang-format: skipped, ${program} is not installed (python3 -m pip install clang-format)`);
  process.exit(0);
}

const files = fs
  .readdirSync(path.join(root, 'native'), { recursive: true })
  .filter((file) => /\.(cc|h|cu|cuh)$/.test(file))
  .map((file) => path.join(root, 'native', file));
const mode = process.argv.includes('--check') ? ['--dry-run', '--Werror'] : ['-i'];
const result = spawnSync(program, [...mode, ...files], { stdio: 'inherit' });
console.log(
  `clang-format: ${files.length} files, ${result.status === 0 ? 'clean' : 'not formatted: run npm run format'}`,
);
process.exit(result.status ?? 1);
