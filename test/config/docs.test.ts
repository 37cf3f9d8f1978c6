import * as fs from 'node:fs';
import * as path from 'node:path';

import { configDocument } from '../../lib/config';

const file = path.join(__dirname, '../../docs/configuration.md');

test('docs/configuration.md is what the schema says now (UPDATE_DOCS=1 writes it again)', () => {
  if (process.env['UPDATE_DOCS']) fs.writeFileSync(file, configDocument());
  expect(fs.readFileSync(file, 'utf8')).toBe(configDocument());
});
