#pragma once

// A stand-in for CUDA's header when the host compiler compiles the .cu files: device memory is host memory,
// the threads of a block are fibers that take turns at synchronisation points. It finds logic errors (wrong
// indices, missing barriers, overruns, staging reused too early) without a GPU; it tells nothing about speed,
// memory ordering or the code nvcc generates. Only the parts that src/ uses are here; emulator.h steers it.

#include <stddef.h>
#include <stdint.h>

#include <bit>
#include <cmath>
#include <functional>
#include <utility>

#define PIXELCAL_CUDA_EMULATED 1

#define __host__
#define __device__
#define __global__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __restrict__ __restrict
// All fibers of a block run on one thread; blocks run one after the other.
#define __shared__ static thread_local

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100,
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2, cudaMemcpyDeviceToDevice = 3 };
inline constexpr unsigned cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2;

struct CUstream_st;
struct CUevent_st;
using cudaStream_t = CUstream_st*;
using cudaEvent_t = CUevent_st*;

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct uint3 {
  unsigned x = 0, y = 0, z = 0;
};

const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError();
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaMalloc(void** pointer, size_t bytes);
cudaError_t cudaFree(void* pointer);
cudaError_t cudaMallocHost(void** pointer, size_t bytes);
cudaError_t cudaFreeHost(void* pointer);
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventDestroy(cudaEvent_t event);

namespace cuda_emulator {

inline thread_local uint3 thread_index, block_index;
inline thread_local dim3 block_size, grid_size;

// Runs `kernel` for every thread of every block, now or when the stream is next waited for.
cudaError_t LaunchKernel(dim3 grid, dim3 block, size_t shared, cudaStream_t stream,
                         std::function<void()> kernel);

void* DynamicShared();

// Wait at a barrier and combine the values of the threads that meet: `sum` over all, or each warp's by lane.
int64_t BlockBarrier(int64_t value);
const uint64_t* WarpExchange(unsigned mask, uint64_t value);

template <class T>
uint64_t ToBits(T value) {
  static_assert(sizeof(T) <= 8);
  uint64_t bits = 0;
  __builtin_memcpy(&bits, &value, sizeof value);
  return bits;
}
template <class T>
T FromBits(uint64_t bits) {
  T value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}
inline unsigned Lane() { return thread_index.x % 32; }

}  // namespace cuda_emulator

#define threadIdx (::cuda_emulator::thread_index)
#define blockIdx (::cuda_emulator::block_index)
#define blockDim (::cuda_emulator::block_size)
#define gridDim (::cuda_emulator::grid_size)

inline void __syncthreads() { cuda_emulator::BlockBarrier(0); }
inline int __syncthreads_or(int value) { return cuda_emulator::BlockBarrier(value != 0) != 0; }
inline int __syncthreads_count(int value) {
  return static_cast<int>(cuda_emulator::BlockBarrier(value != 0));
}
inline void __syncwarp(unsigned mask = 0xffffffffu) { cuda_emulator::WarpExchange(mask, 0); }

inline unsigned __ballot_sync(unsigned mask, int predicate) {
  const uint64_t* given = cuda_emulator::WarpExchange(mask, predicate != 0);
  unsigned ballot = 0;
  for (unsigned lane = 0; lane < 32; ++lane) ballot |= static_cast<unsigned>(given[lane]) << lane;
  return ballot;
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) == mask; }
template <class T>
T __shfl_sync(unsigned mask, T value, int lane) {
  const uint64_t* given = cuda_emulator::WarpExchange(mask, cuda_emulator::ToBits(value));
  return cuda_emulator::FromBits<T>(given[lane & 31]);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits) {
  const uint64_t* given = cuda_emulator::WarpExchange(mask, cuda_emulator::ToBits(value));
  return cuda_emulator::FromBits<T>(given[(cuda_emulator::Lane() ^ static_cast<unsigned>(bits)) & 31]);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta) {
  const uint64_t* given = cuda_emulator::WarpExchange(mask, cuda_emulator::ToBits(value));
  const unsigned lane = cuda_emulator::Lane();
  return cuda_emulator::FromBits<T>(given[lane + delta < 32 ? lane + delta : lane]);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta) {
  const uint64_t* given = cuda_emulator::WarpExchange(mask, cuda_emulator::ToBits(value));
  const unsigned lane = cuda_emulator::Lane();
  return cuda_emulator::FromBits<T>(given[lane >= delta ? lane - delta : lane]);
}

inline int __ffs(int value) { return __builtin_ffs(value); }
inline int __clz(int value) { return std::countl_zero(static_cast<unsigned>(value)); }
inline int __popc(unsigned value) { return std::popcount(value); }
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>((static_cast<uint64_t>(high) << 32 | low) >> (shift & 31));
}
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>((static_cast<uint64_t>(high) << 32 | low) << (shift & 31) >> 32);
}
inline unsigned __float_as_uint(float value) { return std::bit_cast<unsigned>(value); }
inline float __uint_as_float(unsigned value) { return std::bit_cast<float>(value); }

// Blocks run one after the other and fibers switch only at barriers, so plain operations are atomic.
template <class T, class V>
T atomicAdd(T* at, V value) {
  const T before = *at;
  *at = static_cast<T>(before + static_cast<T>(value));
  return before;
}
template <class T, class V>
T atomicMax(T* at, V value) {
  const T before = *at;
  if (static_cast<T>(value) > before) *at = static_cast<T>(value);
  return before;
}
template <class T, class V>
T atomicMin(T* at, V value) {
  const T before = *at;
  if (static_cast<T>(value) < before) *at = static_cast<T>(value);
  return before;
}
template <class T, class V>
T atomicOr(T* at, V value) {
  const T before = *at;
  *at = before | static_cast<T>(value);
  return before;
}
