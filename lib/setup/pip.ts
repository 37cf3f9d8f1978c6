import * as fs from 'node:fs';
import * as path from 'node:path';

import { SetupError } from '../binding/errors';
import { capture, stream } from './run-command';
import { python } from './platform';

/** Where pip looks; everything else comes from the user's own pip configuration. */
export interface PipSource {
  indexUrl?: string;
}

const COMMON = ['--no-input', '--disable-pip-version-check'];

const indexArguments = (source: PipSource): string[] =>
  source.indexUrl ? ['--index-url', source.indexUrl] : [];

/** The wheels that make a CUDA build of torch loadable: CUDA's libraries, not Python bindings or compilers. */
export function cudaRequirements(requirements: string[]): string[] {
  return requirements.filter((line) => /^(nvidia-|cuda-toolkit\b)/.test(line) && !/\bextra\s*==/.test(line));
}

/** What pip would install for `requirement`, from its metadata alone; undefined where this pip cannot tell. */
export function planInstall(
  requirement: string,
  source: PipSource,
): { version: string; cudaWheels: string[] } | undefined {
  const result = capture(
    python(),
    [
      '-m',
      'pip',
      'install',
      '--dry-run',
      '--ignore-installed',
      '--no-deps',
      '--quiet',
      '--report',
      '-',
    ].concat(COMMON, indexArguments(source), requirement),
    { timeoutMs: 120_000 },
  );
  if (result.status !== 0) return undefined;
  try {
    const report = JSON.parse(result.stdout) as {
      install: { metadata: { version: string; requires_dist?: string[] } }[];
    };
    const metadata = report.install[0]!.metadata;
    return { version: metadata.version, cudaWheels: cudaRequirements(metadata.requires_dist ?? []) };
  } catch {
    return undefined;
  }
}

/** Requires-Dist of the torch that lies in `site`. */
export function requirementsOfTorch(site: string): string[] {
  const info = fs.readdirSync(site).find((name) => /^torch-.*\.dist-info$/.test(name));
  if (!info) return [];
  const text = fs.readFileSync(path.join(site, info, 'METADATA'), 'utf8');
  return [...text.matchAll(/^Requires-Dist: (.*)$/gm)].map((match) => match[1]!.trim());
}

/** Only C++ libraries are taken from a wheel, so it may be one for another Python than the one that runs pip. */
function anyPython(requirements: string[]): string[] {
  const tag = /-cp(\d)(\d+)-cp/.exec(requirements.join(' '));
  const version = tag ? `${tag[1]}.${tag[2]}` : '3.12';
  return ['--python-version', version, '--implementation', 'cp', '--only-binary', ':all:'].concat(
    ['manylinux_2_28_x86_64', 'manylinux2014_x86_64'].flatMap((platform) => ['--platform', platform]),
  );
}

/**
 * `pip install --target`. pip's temporary files go to `scratch` (a system's /tmp is often too small for these wheels).
 * @throws SetupError with pip's last lines
 */
export async function pipInstall(options: {
  requirements: string[];
  target: string;
  scratch: string;
  withDependencies: boolean;
  source: PipSource;
}): Promise<void> {
  const { requirements, target, scratch } = options;
  fs.mkdirSync(scratch, { recursive: true });
  const base = ['-m', 'pip', 'install', '--no-compile', '--progress-bar', 'off', '--target', target].concat(
    COMMON,
    options.withDependencies ? [] : ['--no-deps'],
    indexArguments(options.source),
  );
  const run = (extra: string[]) =>
    stream(python(), [...base, ...extra, ...requirements], { env: { ...process.env, TMPDIR: scratch } });
  let result = await run([]);
  if (result.status !== 0 && /No matching distribution|not a supported wheel/.test(result.output)) {
    fs.rmSync(target, { recursive: true, force: true });
    result = await run(anyPython(requirements));
  }
  if (result.status === 0) return;
  const tail = result.output.trimEnd().split('\n').slice(-12).join('\n');
  throw new SetupError(
    `pip could not provide ${requirements.join(' ')}. Without a network, pass --wheel FILE, or set TOOL_R0_LIBTORCH to an existing libtorch or Python torch; ` +
      `for another package index pass --index-url URL. pip said:\n${tail}`,
    { requirements },
  );
}
