#pragma once

#include <algorithm>
#include <cstdint>

#include "base/host_device.h"
#include "cuda/stream.h"

namespace pixelcal::cuda {

// Blocks are one-dimensional and whole warps; a grid loops if there is more work than it has blocks.
inline constexpr int kWarp = 32;
inline constexpr unsigned kAllLanes = 0xffffffffu;
inline constexpr size_t kSharedBytes = 48 << 10;  // available on every device by default

// Returns the dynamic shared memory of the running block.
__device__ inline unsigned char* SharedBytes() {
#if defined(PIXELCAL_CUDA_EMULATED)
  return static_cast<unsigned char*>(cuda_emulator::DynamicShared());
#else
  extern __shared__ __align__(16) unsigned char pixelcal_shared_bytes[];
  return pixelcal_shared_bytes;
#endif
}

// Runs a kernel on the stream; throws if the launch fails.
template <class... Parameters, class... Arguments>
void Launch(const char* name, void (*kernel)(Parameters...), int64_t blocks, int threads, size_t shared,
            const Stream& stream, const Arguments&... arguments) {
  const dim3 grid(static_cast<unsigned>(std::clamp<int64_t>(blocks, 1, 0x7fffffff)));
#if defined(PIXELCAL_CUDA_EMULATED)
  const cudaError_t error =
      cuda_emulator::LaunchKernel(grid, dim3(static_cast<unsigned>(threads)), shared, stream.get(),
                                  [=] { kernel(static_cast<Parameters>(arguments)...); });
#else
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = dim3(static_cast<unsigned>(threads));
  config.dynamicSmemBytes = shared;
  config.stream = stream.get();
  const cudaError_t error = cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...);
#endif
  Check(error, name);
}

// Runs a kernel with a thread for each of `items`, up to the number that keeps every multiprocessor busy; the
// kernel loops with ForItems.
inline constexpr int kItemThreads = 256;
template <class... Parameters, class... Arguments>
void LaunchItems(const char* name, void (*kernel)(Parameters...), int64_t items, const Stream& stream,
                 const Arguments&... arguments) {
  constexpr int64_t kMostBlocks = 1 << 16;
  Launch(name, kernel, std::min(kMostBlocks, (items - 1) / kItemThreads + 1), kItemThreads, 0, stream,
         arguments...);
}

template <class Body>
__device__ void ForItems(int64_t items, const Body& body) {
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < items;
       i += static_cast<int64_t>(gridDim.x) * blockDim.x)
    body(i);
}

template <class T>
__device__ T Least(T a, T b) {
  return b < a ? b : a;
}
template <class T>
__device__ T Most(T a, T b) {
  return a < b ? b : a;
}
template <class T>
__device__ T WarpLeast(T value) {
  for (int bits = kWarp / 2; bits > 0; bits /= 2)
    value = Least(value, __shfl_xor_sync(kAllLanes, value, bits));
  return value;
}
template <class T>
__device__ T WarpMost(T value) {
  for (int bits = kWarp / 2; bits > 0; bits /= 2)
    value = Most(value, __shfl_xor_sync(kAllLanes, value, bits));
  return value;
}
// Returns the sum over a warp, added in the same order and hence with the same bits every time.
template <class T>
__device__ T WarpSum(T value) {
  for (int bits = kWarp / 2; bits > 0; bits /= 2) value += __shfl_xor_sync(kAllLanes, value, bits);
  return value;
}

}  // namespace pixelcal::cuda
