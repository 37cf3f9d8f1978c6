import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

/**
 * A folder with a `python3` whose `-m pip install --target` lays out a torch wheel without libraries. Its behaviour is set by
 * environment variables: FAKE_FLAVOUR (cpu, cuda), FAKE_VERSION, FAKE_FAIL (part of a requirement that fails), FAKE_SLEEP (the same,
 * but hangs half-way). Every installation adds a line to `calls`.
 */
const SCRIPT = `#!/bin/sh
case "$*" in
  --version) echo 'Python 3.12.0'; exit 0 ;;
  '-m pip --version') echo 'pip 24.0 from nowhere (python 3.12)'; exit 0 ;;
esac
version=\${FAKE_VERSION:-2.13.0}
if [ "$FAKE_FLAVOUR" = cuda ]; then
  requires='"cuda-toolkit[cublas,cudart]==13.0.2; platform_system == \\"Linux\\"", "nvidia-nccl-cu13==2.30; platform_system == \\"Linux\\"", "triton~=3.8"'
fi
case "$*" in
  *--dry-run*) echo "{\\"install\\": [{\\"metadata\\": {\\"version\\": \\"$version\\", \\"requires_dist\\": [\\"sympy\\"\${requires:+, $requires}]}}]}"; exit 0 ;;
esac
while [ $# -gt 0 ]; do
  [ "$1" = --target ] && target=$2
  [ "$1" = --index-url ] && index=" index=$2"
  last=$1
  all="$all $1"
  shift
done
echo "$last$index" >> "$FAKE_CALLS"
mkdir -p "$target"
if [ -n "$FAKE_FAIL" ]; then case "$all" in *"$FAKE_FAIL"*) echo "ERROR: no route to host" >&2; exit 1 ;; esac; fi
if [ -n "$FAKE_SLEEP" ]; then case "$all" in *"$FAKE_SLEEP"*) echo half > "$target/half"; exec sleep 60 ;; esac; fi
case "$last" in
  torch*|*.whl)
    mkdir -p "$target/torch/lib" "$target/torch/include/ATen" "$target/torch-$version.dist-info"
    echo "__version__ = '$version'" > "$target/torch/version.py"
    touch "$target/torch/lib/libtorch.so" "$target/torch/lib/libtorch_cpu.so" "$target/torch/lib/libc10.so" "$target/torch/include/ATen/ATen.h"
    echo 'Requires-Dist: sympy' > "$target/torch-$version.dist-info/METADATA"
    if [ "$FAKE_FLAVOUR" = cuda ]; then
      touch "$target/torch/lib/libtorch_cuda.so"
      mkdir -p "$target/nvidia/beside"
      echo 'Requires-Dist: cuda-toolkit[cublas,cudart]==13.0.2; platform_system == "Linux"' >> "$target/torch-$version.dist-info/METADATA"
      echo 'Requires-Dist: nvidia-nccl-cu13==2.30; platform_system == "Linux"' >> "$target/torch-$version.dist-info/METADATA"
    fi ;;
  *) mkdir -p "$target/nvidia/nccl/lib"; touch "$target/nvidia/nccl/lib/libnccl.so.2" ;;
esac
`;

export interface FakePython {
  root: string;
  python: string;
  cache: string;
  /** The last argument of every installation so far. */
  calls(): string[];
  remove(): void;
}

export function makeFakePython(): FakePython {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-setup-'));
  const python = path.join(root, 'python3');
  fs.writeFileSync(python, SCRIPT, { mode: 0o755 });
  const calls = path.join(root, 'calls');
  return {
    root,
    python,
    cache: path.join(root, 'cache'),
    calls: () => (fs.existsSync(calls) ? fs.readFileSync(calls, 'utf8').trim().split('\n') : []),
    remove: () => {
      fs.rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Lays out a folder that looks like libtorch. */
export function makeLibtorch(
  dir: string,
  version: string,
  options: { cuda?: boolean; headers?: boolean } = {},
): string {
  fs.mkdirSync(path.join(dir, 'lib'), { recursive: true });
  for (const name of ['libtorch.so', 'libtorch_cpu.so', 'libc10.so'])
    fs.writeFileSync(path.join(dir, 'lib', name), '');
  if (options.cuda) fs.writeFileSync(path.join(dir, 'lib/libtorch_cuda.so'), '');
  if (options.headers !== false) {
    fs.mkdirSync(path.join(dir, 'include/ATen'), { recursive: true });
    fs.writeFileSync(path.join(dir, 'include/ATen/ATen.h'), '');
  }
  fs.writeFileSync(path.join(dir, 'version.py'), `__version__ = '${version}'\n`);
  return dir;
}
