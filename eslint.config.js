'use strict';
const js = require('@eslint/js');
const tseslint = require('typescript-eslint');

const node = Object.fromEntries(
  [
    'require',
    'module',
    'process',
    'console',
    '__dirname',
    '__filename',
    'globalThis',
    'Buffer',
    'setTimeout',
    'URL',
  ].map((name) => [name, 'readonly']),
);

module.exports = tseslint.config(
  { ignores: ['dist/', 'build/', 'node_modules/', 'prebuilds/', 'runs/', 'vendor/', 'coverage/', 'assets/'] },
  {
    ...js.configs.recommended,
    files: ['**/*.js'],
    languageOptions: { sourceType: 'commonjs', globals: node },
  },
  {
    files: ['**/*.ts'],
    extends: [js.configs.recommended, tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: __dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // A method may be async for its interface, and a template may show any number.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
    },
  },
  { files: ['test/**', 'bench/**', 'examples/**'], rules: { 'no-console': 'off' } },
);
