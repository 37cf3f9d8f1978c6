'use strict';
// Compiles the addon into build/Release. Called by hand (`npm run build:native`), by binding.gyp's action and by
// prebuildify's shim; `tool-r0-native setup` calls the same function. Arguments are ignored.
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');

const dist = path.join(__dirname, '../dist/setup');
if (!fs.existsSync(path.join(dist, 'build-addon.js'))) {
  spawnSync(process.execPath, [path.join(__dirname, 'build-ts.js')], { stdio: 'inherit' });
}
const { buildAddon } = require(path.join(dist, 'build-addon.js'));
const { findLibtorch } = require(path.join(dist, 'libtorch.js'));

async function main() {
  const libtorch = findLibtorch();
  if (!libtorch)
    throw new Error('no libtorch; run `npx tool-r0-native setup`, or set TOOL_R0_LIBTORCH to one');
  await buildAddon(libtorch, { log: (line) => console.error(`tool-r0-native: ${line}`), verbose: true });
}

main().catch((error) => {
  console.error(`tool-r0-native: ${error.message}`);
  process.exitCode = 1;
});
