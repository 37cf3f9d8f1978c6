'use strict';
// TypeScript is compiled by swc (types are checked by `npm run types`); the environment shares the host's
// constructors, so that errors and typed arrays made by the addon pass `instanceof` inside tests.
module.exports = {
  rootDir: __dirname,
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testEnvironment: '<rootDir>/test/jest-environment.js',
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  testTimeout: 60000,
};
