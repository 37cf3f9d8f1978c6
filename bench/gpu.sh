#!/usr/bin/env bash
# One command on a bare CUDA machine: build everything for its GPU, run the C++ tests and the oracle vectors on CUDA, print what was seen.
#   bench/gpu.sh [--vectors DIR]
# Needs: nvcc, CMake, a C++ compiler and a Python whose torch (2.11–2.14) is a CUDA build; that torch is the libtorch. With a Node
# (NODE=path, `node` on PATH, or one carried in node_modules/node) and node_modules present, the addon is built and the oracle vectors run on
# CUDA through the public API; without, only the C++ half runs and the rest is reported as skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

vectors=../shared/vectors
while [ $# -gt 0 ]; do
  case "$1" in
    --vectors) vectors="$2"; shift 2 ;;
    *) echo "usage: bench/gpu.sh [--vectors DIR]" >&2; exit 2 ;;
  esac
done

python="${PYTHON:-python3}"
libtorch="$("$python" -c 'import os, torch; print(os.path.dirname(torch.__file__))')"
export TOOL_R0_LIBTORCH="$libtorch"
capability="$("$python" -c 'import torch; print("%d%d" % torch.cuda.get_device_capability())')"
architecture="$capability"
[ "$capability" = 90 ] && architecture=90a # wgmma and friends
jobs="$(nproc)"

echo "== machine"
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
"$python" -c 'import torch; print("torch", torch.__version__, "CUDA", torch.version.cuda)'
nvcc --version | tail -n 1

echo "== C++ tests (built for sm_$architecture)"
cmake -S . -B build/gpu -DCMAKE_BUILD_TYPE=Release -DTR0_LIBTORCH="$libtorch" -DTR0_TESTS=ON \
  -DCMAKE_CUDA_ARCHITECTURES="$architecture" >build/gpu-configure.log 2>&1 || { cat build/gpu-configure.log; exit 1; }
cmake --build build/gpu -j "$jobs" 2>&1 | tail -n 3
status=0
TR0_TEST_DEVICE=cuda ctest --test-dir build/gpu --output-on-failure || status=1

node="${NODE:-$(command -v node || true)}"
[ -z "$node" ] && [ -x node_modules/node/bin/node ] && node="$PWD/node_modules/node/bin/node"
if [ -z "$node" ] || [ ! -d node_modules ]; then
  echo "== oracle vectors and benchmark on CUDA: skipped (no Node or no node_modules here)"
  exit "$status"
fi
export PATH="$(dirname "$node"):$PATH"

echo "== addon"
CMAKE_CUDA_ARCHITECTURES="$architecture" "$node" scripts/build-native.js | tail -n 3
"$node" bin/tool-r0-native.js doctor || status=1

echo "== oracle vectors on CUDA"
if [ -d "$vectors" ]; then
  "$node" bin/tool-r0-native.js conformance --vectors "$vectors" --only D,E --device cuda || status=1
else
  echo "skipped: no vectors at $vectors"
fi

echo "== throughput"
"$node" bench/throughput.js --device cuda || status=1
exit "$status"
