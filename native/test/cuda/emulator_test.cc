// The emulator itself: the faults that the other tests rely on it to find.
#if defined(PIXELCAL_CUDA_EMULATOR)

#include <cuda_runtime.h>

#include <array>

#include "cuda_test.h"

using cuda_emulator::Order;

namespace {

constexpr unsigned kThreads = 64;

// Returns the number of every thread's neighbour, through shared memory, with or without the barrier that
// this needs.
std::array<int, kThreads> Neighbours(bool barrier, Order order) {
  std::array<int, kThreads> out{};
  cuda_emulator::SetOrder(order);
  const auto kernel = [&] {
    __shared__ int numbers[kThreads];
    const unsigned i = threadIdx.x;
    __syncthreads();
    numbers[i] = 0;
    __syncthreads();
    numbers[i] = static_cast<int>(i);
    if (barrier) __syncthreads();
    out[i] = numbers[(i + 1) % kThreads];
  };
  CHECK(cuda_emulator::LaunchKernel(1, kThreads, 0, nullptr, kernel) == cudaSuccess);
  cuda_emulator::SetOrder(Order::kForward);
  return out;
}

}  // namespace

TEST(EmulatorShowsMissingBarriers) {
  CHECK(Neighbours(true, Order::kForward) == Neighbours(true, Order::kReverse));
  CHECK(Neighbours(true, Order::kForward) == Neighbours(true, Order::kShuffled));
  CHECK(Neighbours(false, Order::kForward) != Neighbours(false, Order::kReverse));
}

TEST(EmulatorWarpsExchange) {
  std::array<int, kThreads> sums{}, first{}, above{};
  std::array<unsigned, kThreads> odd{};
  const auto kernel = [&] {
    const auto i = static_cast<int>(threadIdx.x);
    int sum = i;
    for (int bits = 16; bits > 0; bits /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, bits);
    sums[threadIdx.x] = sum;
    first[threadIdx.x] = __shfl_sync(0xffffffffu, i, 0);
    above[threadIdx.x] = __shfl_down_sync(0xffffffffu, i, 1);
    odd[threadIdx.x] = __ballot_sync(0xffffffffu, i % 2);
  };
  cuda_emulator::SetOrder(Order::kShuffled, 3);
  CHECK(cuda_emulator::LaunchKernel(1, kThreads, 0, nullptr, kernel) == cudaSuccess);
  cuda_emulator::SetOrder(Order::kForward);
  for (size_t i = 0; i < kThreads; ++i) {
    CHECK(sums[i] == (i < 32 ? 496 : 1520) && first[i] == (i < 32 ? 0 : 32) && odd[i] == 0xaaaaaaaau, i);
    CHECK(above[i] == static_cast<int>(i % 32 == 31 ? i : i + 1), i);
  }
}

TEST(EmulatorRunsStreamsLate) {
  void *device = nullptr, *pinned = nullptr;
  cudaStream_t stream = nullptr;
  CHECK(cudaMalloc(&device, 8) == cudaSuccess && cudaMallocHost(&pinned, 8) == cudaSuccess);
  CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  cuda_emulator::SetLate(true);
  auto* value = static_cast<int*>(pinned);
  *value = 1;
  CHECK(cudaMemcpyAsync(device, pinned, 4, cudaMemcpyHostToDevice, stream) == cudaSuccess);
  *value = 2;  // too early: the copy has not been made
  CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
  CHECK(*static_cast<int*>(device) == 2);
  CHECK(cudaMemcpyAsync(device, pinned, 9, cudaMemcpyHostToDevice, stream) == cudaErrorInvalidValue,
        "past its end");
  CHECK(cudaMemcpyAsync(pinned, value, 4, cudaMemcpyDeviceToHost, stream) == cudaErrorInvalidValue,
        "not there");
  CHECK(cudaGetLastError() == cudaErrorInvalidValue && cudaGetLastError() == cudaSuccess);
  CHECK(cuda_emulator::LaunchKernel(1, 33, 0, stream, [] {}) == cudaErrorInvalidConfiguration);
  CHECK(cuda_emulator::LaunchKernel(1, 32, 49 << 10, stream, [] {}) == cudaErrorInvalidConfiguration);
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
  cuda_emulator::SetLate(false);
  CHECK(cudaStreamDestroy(stream) == cudaSuccess && cudaFree(device) == cudaSuccess);
  CHECK(cudaFreeHost(pinned) == cudaSuccess);
}

#endif
