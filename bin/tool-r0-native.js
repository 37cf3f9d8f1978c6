#!/usr/bin/env node
'use strict';
// Launcher: builds dist/ on first use in a checkout that was installed without lifecycle scripts, then runs the CLI.
const fs = require('node:fs');
const path = require('node:path');

const main = path.join(__dirname, '../dist/cli/main.js');
if (!fs.existsSync(main)) {
  process.stderr.write('tool-r0-native: first use, compiling the TypeScript sources …\n');
  require('../scripts/build-ts.js');
}
require(main);
