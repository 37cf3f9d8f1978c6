'use strict';
const { TestEnvironment } = require('jest-environment-node');

// A native addon is loaded once per process, in the outer realm: its errors, promises and typed arrays are not
// `instanceof` the sandbox's constructors. Sharing the host's constructors makes tests see what users see.
const SHARED = [
  'Error',
  'TypeError',
  'RangeError',
  'Promise',
  'ArrayBuffer',
  'SharedArrayBuffer',
  'Uint8Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
];

module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    for (const name of SHARED) this.global[name] = globalThis[name];
  }
};
