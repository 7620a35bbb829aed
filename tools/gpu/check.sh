#!/usr/bin/env bash
# Checks PixelCal on a machine with an NVIDIA card: builds the C++ CUDA tests for it, runs them, also under
# compute-sanitizer, measures kernels and networks beside their peers, and writes what it found to
# benchmarks/results/gpu.md. At most 12 minutes, no network. `npm run gpu-check` in a checkout, or the archive
# of `npm run gpu-check -- --pack FILE` where Node is not installed.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

refuse() {
  echo "gpu-check: $1" >&2
  exit 1
}
nvidia-smi -L >/dev/null 2>&1 ||
  refuse "nvidia-smi lists no card: run this on a machine with an NVIDIA card and its driver."
for tool in nvcc:'the toolkit of CUDA 13' cmake:'cmake 3.20 or newer' c++:'a C++20 compiler' timeout:coreutils; do
  command -v "${tool%%:*}" >/dev/null || refuse "${tool%%:*} was not found: install ${tool#*:}."
done
node=$root/node
if [[ ! -x $node ]]; then
  node=$(command -v node) || refuse "node was not found: install Node 20.19 or newer, or use the archive of --pack."
fi

work=$root/build/gpu-check
rm -rf "$work"
mkdir -p "$work"
jobs=$(nproc)

# Runs a part of the check for at most so many seconds; its output goes to NAME.log, its end to stages.tsv.
stage() {
  local name=$1 limit=$2 begun=$SECONDS code=0
  shift 2
  echo "gpu-check: $name ..."
  timeout --kill-after=5 "$limit" "$@" >"$work/$name.log" 2>&1 || code=$?
  printf '%s\t%s\t%s\n' "$name" "$code" "$((SECONDS - begun))" >>"$work/stages.tsv"
  return "$code"
}

architecture=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d .)
build() {
  cmake -S "$root/native" -B "$work/native" -DPIXELCAL_TESTS=ON "-DPIXELCAL_CUDA_ARCHITECTURES=$architecture-real" &&
    cmake --build "$work/native" --parallel "$jobs" --target pixelcal_cuda_test &&
    nvcc -O2 -std=c++17 -arch="sm_$architecture" -o "$work/bandwidth" "$here/bandwidth.cu"
}
tests=$work/native/pixelcal_cuda_test
# Tests that were skipped, since the card cannot be used, have not passed.
parity() {
  "$tests" | tee "$work/parity.txt" && ! grep -q '^0 passed' "$work/parity.txt"
}
export -f build parity
export root work here architecture jobs tests

# A part that cannot run fails by itself, and the report says so.
stage build 250 bash -c build
stage parity 60 bash -o pipefail -c parity
stage bandwidth 20 "$work/bandwidth"
addon=$root/native/build/Release/pixelcal.node
stage kernels 50 env PIXELCAL_ADDON="$addon" "$node" "$root/benchmarks/gpu/kernels.mjs"
for device in webgpu cuda; do
  stage "networks-$device" 45 env PIXELCAL_ADDON="$addon" "$node" "$root/benchmarks/gpu/networks.mjs" "$device"
done
stage peers 60 python3 "$root/benchmarks/gpu/peers.py"
# The sizes of the tests are odd, and reach over the borders of blocks.
for tool in memcheck racecheck initcheck synccheck; do
  stage "$tool" 45 compute-sanitizer --tool "$tool" --error-exitcode 9 "$tests"
done
"$node" "$here/report.mjs" "$work" "$root/benchmarks/results/gpu.md"
