import * as os from 'node:os';
import * as path from 'node:path';

/** The folder of this package: the checkout, or node_modules/tool-r0-native. The same from lib/ and from dist/. */
export const packageRoot = path.join(__dirname, '../..');

/** Where the compiled addon and the record of its build lie. */
export const releaseDirectory = path.join(packageRoot, 'build/Release');

/** Shared by all checkouts of a user: `TOOL_R0_CACHE`, else `tool-r0` in the XDG cache folder. */
export function cacheDirectory(): string {
  const own = process.env.TOOL_R0_CACHE;
  if (own) return path.resolve(own);
  return path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'tool-r0');
}
