#!/usr/bin/env bash
# One command on a bare CUDA machine: build everything for its GPU, check the kernels, the decode loop and the oracle
# vectors on it, then measure. Ends within ten minutes (GPU_LIMIT seconds): what does not fit is said to be skipped.
#   bench/gpu.sh [--vectors DIR]
# Needs nvcc, CMake >= 3.24, a C++ compiler and a Python whose torch (2.11 or later) is a CUDA build: that torch is the
# libtorch. No network. With a Node (NODE=path, `node` on PATH, or a packed binary NODE_ARCHIVE=file.xz|file.gz, by
# default build/node.xz), node_modules and dist present, the addon is built, the oracle vectors run through the public
# API and the benchmark runs; without, only the C++ half. Logs go to $OUT where that is set, else to build/gpu-log.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2

vectors=../shared/vectors
while [ $# -gt 0 ]; do
  case "$1" in
    --vectors)
      [ $# -ge 2 ] || { echo "--vectors needs a folder" >&2; exit 2; }
      vectors="$2"
      shift 2
      ;;
    *)
      echo "usage: bench/gpu.sh [--vectors DIR]" >&2
      exit 2
      ;;
  esac
done

limit="${GPU_LIMIT:-570}"
logs="${OUT:-build/gpu-log}"
mkdir -p build "$logs"
status=0
summary=()

# stage NAME SECONDS COMMAND...: runs the command with its output in $logs/NAME.log, shows the last lines (all of them
# where it failed, up to 60), and goes on. Returns the command's status.
stage() {
  local name="$1" most="$2" left=$((limit - SECONDS)) started=$SECONDS code=0
  shift 2
  [ "$most" -lt "$left" ] || most=$left
  echo "== $name"
  if [ "$most" -lt 5 ]; then
    echo "skipped: no time left"
    summary+=("$name: skipped, no time left")
    status=1
    return 1
  fi
  timeout "$most" "$@" >"$logs/$name.log" 2>&1 || code=$?
  if [ "$code" = 0 ]; then
    tail -n "${SHOW:-6}" "$logs/$name.log"
  else
    tail -n 60 "$logs/$name.log"
    status=1
  fi
  local result="ok"
  [ "$code" = 0 ] || result="FAILED (status $code)"
  [ "$code" != 124 ] || result="FAILED (over $most s)"
  summary+=("$name: $result, $((SECONDS - started)) s")
  return "$code"
}
skip() {
  echo "== $1"
  echo "skipped: $2"
  summary+=("$1: skipped, $2")
}
finish() {
  echo "== summary ($SECONDS s)"
  printf '%s\n' "${summary[@]}"
  exit "$status"
}

echo "== machine"
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || { echo "no NVIDIA driver" >&2; exit 2; }
python="${PYTHON:-python3}"
facts="$("$python" -c 'import os, torch
major, minor = torch.cuda.get_device_capability()
print(os.path.dirname(torch.__file__), "%d%d" % (major, minor), torch.__version__, torch.version.cuda)')" ||
  { echo "no CUDA build of torch in $python" >&2; exit 2; }
read -r libtorch capability torch_version cuda_version <<<"$facts"
for candidate in "${CUDACXX:-}" "$(command -v nvcc || true)" /usr/local/cuda/bin/nvcc; do
  [ -n "$candidate" ] && [ -x "$candidate" ] && nvcc="$candidate" && break
done
[ -n "${nvcc:-}" ] || { echo "no nvcc" >&2; exit 2; }
export CUDACXX="$nvcc" TOOL_R0_LIBTORCH="$libtorch" CUDAARCHS="$capability"
PATH="$(dirname "$nvcc"):$PATH"
jobs="$(nproc)"
echo "torch $torch_version, CUDA $cuda_version, sm_$capability, $("$nvcc" --version | tail -n 1), $jobs cores"

# Node, unpacked where it came packed (xz and gz through Python: the tools may be missing).
node="${NODE:-$(command -v node || true)}"
archive="${NODE_ARCHIVE:-build/node.xz}"
if [ -z "$node" ] && [ -f "$archive" ]; then
  mkdir -p build/node/bin
  "$python" - "$archive" build/node/bin/node <<'PY' && chmod +x build/node/bin/node && node="$PWD/build/node/bin/node"
import gzip, lzma, shutil, sys
opener = lzma.open if sys.argv[1].endswith('.xz') else gzip.open
with opener(sys.argv[1]) as packed, open(sys.argv[2], 'wb') as out:
    shutil.copyfileobj(packed, out)
PY
fi
with_node=0
[ -n "$node" ] && [ -d node_modules ] && [ -f dist/index.js ] && with_node=1
# cmake-js and the bench start further processes by the name `node`.
command -v node >/dev/null || [ -z "$node" ] || PATH="$(cd "$(dirname "$node")" && pwd):$PATH"
export PATH

# The addon and the tests share a build folder, so the rooms are compiled once.
build=build/gpu
if [ "$with_node" = 1 ]; then
  build=build/cmake
  stage addon 300 "$node" scripts/build-native.js || with_node=0
else
  skip addon "no Node, node_modules or dist here"
fi
generator=()
if [ ! -f "$build/CMakeCache.txt" ] && command -v ninja >/dev/null; then generator=(-G Ninja); fi
stage configure 120 cmake -S . -B "$build" "${generator[@]+"${generator[@]}"}" -DCMAKE_BUILD_TYPE=Release \
  -DTR0_LIBTORCH="$libtorch" -DTR0_TESTS=ON -DTR0_CUDA=ON || finish
grep -q '^CMAKE_CUDA_COMPILER:[A-Z]*=/' "$build/CMakeCache.txt" || { echo "configured without CUDA" >&2; status=1; finish; }
stage device-tests-build 300 cmake --build "$build" -j "$jobs" --target kernels_device_test rollout_device_test || finish

# Each fails by itself; 77 would mean that no device was found, which here is a failure too.
SHOW=40 stage kernels-on-device 120 "$build/kernels_device_test"
SHOW=60 stage rollout-on-device 120 "$build/rollout_device_test"

if [ "$with_node" = 1 ]; then
  stage doctor 30 "$node" bin/tool-r0-native.js doctor
  if [ -d "$vectors" ]; then
    SHOW=30 stage vectors-on-device 120 "$node" bin/tool-r0-native.js conformance --vectors "$vectors" --only D,E --device cuda
  else
    skip vectors-on-device "no vectors at $vectors"
  fi
else
  skip vectors-on-device "no Node here"
fi

sanitizer="$(command -v compute-sanitizer || true)"
if [ -n "$sanitizer" ]; then
  # Memory errors and races in shared memory. Libraries' own kernels are not of interest.
  stage memcheck 90 "$sanitizer" --tool memcheck --error-exitcode 3 --kernel-name kns=toolr0 "$build/kernels_device_test" small
  stage racecheck 90 "$sanitizer" --tool racecheck --error-exitcode 3 --kernel-name kns=toolr0 "$build/kernels_device_test" small
else
  skip memcheck "compute-sanitizer is not here"
fi

# The figures, with the time that is left (a stage that is cut still prints and writes the rows it has); the CPU's own tests only where there is more than enough of it.
if [ "$with_node" = 1 ]; then
  bench() { # NAME SECONDS FLAGS...: the table is shown; rows with all repetitions go to $logs/NAME/bench.json
    local name="$1" most="$2"
    shift 2
    SHOW=80 stage "$name" "$most" "$node" bin/tool-r0-native.js bench --device cuda --out "$logs/$name" "$@"
  }
  bench bench-rollout 240 --suite rollout,batch --shape qwen2.5-0.5b,qwen2.5-1.5b --peers transformers --repeats 3
  bench bench-grpo-step 120 --suite grpo-step --shape qwen2.5-1.5b --repeats 1
  bench bench-logprob-head 60 --suite logprob-head --shape qwen2.5-1.5b --repeats 1
  bench bench-iteration 120 --suite iteration --shape qwen2.5-1.5b --repeats 1
else
  skip bench "no Node here"
fi
if [ $((limit - SECONDS)) -gt 150 ]; then
  stage tests-build 150 cmake --build "$build" -j "$jobs" --target tr0_tests &&
    stage tests 120 ctest --test-dir "$build" --output-on-failure -j 4
fi
finish
