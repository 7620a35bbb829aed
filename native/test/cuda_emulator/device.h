#pragma once

// The state that the runtime's functions (runtime.cc) and the execution of kernels (blocks.cc) share.

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>

#include "cuda_runtime.h"
#include "emulator.h"

// A stream: the work given to it that has not run yet.
struct CUstream_st {
  std::deque<std::function<void()>> queue;
  void Drain(size_t count) {
    for (; count > 0 && !queue.empty(); --count) {
      const auto operation = std::move(queue.front());
      queue.pop_front();
      ++drained;
      operation();
    }
  }
  uint64_t drained = 0;
};
// An event: the point of the stream at which it was recorded.
struct CUevent_st {
  cudaStream_t stream = nullptr;
  uint64_t place = 0;
};

namespace cuda_emulator {

inline constexpr unsigned char kFresh = 0xa5;  // the bytes of memory that nobody has written

// The state of the emulated device. One mutex, because calls come from several host threads.
struct Device {
  std::recursive_mutex mutex;
  Order order = Order::kForward;
  uint64_t seed = 1;
  bool late = false;
  size_t limit = kMemory, in_use = 0;
  int devices = 1;
  int64_t launches = 0;
  cudaError_t last = cudaSuccess;
  std::map<unsigned char*, size_t> memory, pinned;

  cudaError_t Report(cudaError_t error) {
    if (error != cudaSuccess) last = error;
    return error;
  }
  bool Holds(const std::map<unsigned char*, size_t>& blocks, const void* at, size_t bytes) const {
    auto* first = static_cast<unsigned char*>(const_cast<void*>(at));
    auto block = blocks.upper_bound(first);
    if (block == blocks.begin()) return false;
    --block;
    return first + bytes <= block->first + block->second;
  }
  bool Touches(const void* at) const { return Holds(memory, at, 1); }
};

// Returns the device.
Device& TheDevice();

// Prints an error that a test cannot catch and aborts.
[[noreturn]] void Fail(const char* what);

// Runs the operation now or, on a late device, when the stream is next waited for.
void Enqueue(cudaStream_t stream, std::function<void()> operation);

}  // namespace cuda_emulator
