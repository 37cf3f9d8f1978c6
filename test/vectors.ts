import * as fs from 'node:fs';
import * as path from 'node:path';

/** Oracle vectors of the reference implementations; they live beside the repository and are not part of it. */
export const VECTORS = process.env['TOOL_R0_VECTORS'] ?? path.join(__dirname, '../../shared/vectors');

/** A test that needs the vectors; without them it is skipped, and the reason is printed. */
export function itWithVectors(name: string, run: () => Promise<void>, timeout?: number): void {
  if (fs.existsSync(VECTORS)) {
    it(name, run, timeout);
  } else {
    console.warn(`skipped: ${name} (no oracle vectors at TOOL_R0_VECTORS or ../shared/vectors)`);
    it.skip(name, run, timeout);
  }
}
