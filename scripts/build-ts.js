'use strict';
// lib/*.ts → dist/*.js (CommonJS) and the ES module face dist/index.mjs. Run by `prepare` and, when dist/ is missing, on
// first use.
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const dist = path.join(root, 'dist');
const tsc = require.resolve('typescript/bin/tsc', { paths: [root] });
const result = spawnSync(process.execPath, [tsc, '-p', path.join(root, 'tsconfig.build.json')], {
  stdio: 'inherit',
});
if (result.status !== 0) process.exit(result.status || 1);

// One CommonJS instance serves both module systems: the addon must not be loaded twice.
const api = require(path.join(dist, 'index.js'));
const names = Object.keys(api).filter((name) => name !== 'default' && name !== '__esModule');
const list = names.map((name) => `  ${name},\n`).join('');
fs.writeFileSync(
  path.join(dist, 'index.mjs'),
  `import api from './index.js';\nexport const {\n${list}} = api;\n`,
);
fs.writeFileSync(path.join(dist, 'index.d.mts'), `export * from './index.js';\n`);
