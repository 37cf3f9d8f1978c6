'use strict';
// The last line of CI: `N passed, N failed`, added up from what ctest and jest printed into a log. A step that failed without a
// failed test (a compiler, a linter, a run) counts as one failure.
//   node scripts/test-summary.js LOG STATUS
const fs = require('node:fs');

const [, , file, status] = process.argv;
const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');
const log = fs.readFileSync(file, 'utf8').replace(escapes, '');

let passed = 0;
let failed = 0;
for (const match of log.matchAll(/^\d+% tests passed, (\d+) tests failed out of (\d+)$/gm)) {
  failed += Number(match[1]);
  passed += Number(match[2]) - Number(match[1]);
}
for (const match of log.matchAll(/^Tests: .*$/gm)) {
  failed += Number(/(\d+) failed/.exec(match[0])?.[1] ?? 0);
  passed += Number(/(\d+) passed/.exec(match[0])?.[1] ?? 0);
}
if (failed === 0 && status !== '0') failed = 1;
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
