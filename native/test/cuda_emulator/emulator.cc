#include "emulator.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <vector>

#include "cuda_runtime.h"
#include "fiber.h"

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
namespace {

constexpr unsigned char kFresh = 0xa5, kGuard = 0x5a;
constexpr size_t kGuardBytes = 64;
constexpr unsigned kMaxThreads = 1024;

[[noreturn]] void Fail(const char* what) {
  std::fprintf(stderr, "CUDA emulator: %s\n", what);
  std::abort();
}

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

Device& TheDevice() {
  static Device* device = new Device;  // outlives every static destructor
  return *device;
}

void Enqueue(cudaStream_t stream, std::function<void()> operation) {
  if (TheDevice().late && stream)
    stream->queue.push_back(std::move(operation));
  else
    operation();
}

class Shuffle {
 public:
  Shuffle(Order order, uint64_t seed) : order_(order), state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  void Arrange(std::vector<uint32_t>& turns) {
    std::iota(turns.begin(), turns.end(), 0u);
    if (order_ == Order::kReverse) std::reverse(turns.begin(), turns.end());
    if (order_ != Order::kShuffled) return;
    for (size_t i = turns.size(); i > 1; --i) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      std::swap(turns[i - 1], turns[(state_ >> 33) % i]);
    }
  }

 private:
  Order order_;
  uint64_t state_;
};

struct Warp {
  uint64_t given[2][32];
  unsigned arrived = 0;
  uint64_t generation = 0;
};

// The block that runs now, one per host thread.
struct Block {
  unsigned threads = 0, arrived = 0, finished = 0;
  uint64_t generation = 0;
  int64_t sum = 0, result = 0;
  std::vector<Warp> warps;
  std::vector<std::unique_ptr<Fiber>> fibers;
  std::vector<const uint64_t*> waits_on;  // a thread waits until this counter has left `waits_for`
  std::vector<uint64_t> waits_for;
  unsigned current = 0;
  std::vector<unsigned char> shared;

  void Prepare(unsigned count) {
    threads = count;
    while (fibers.size() < count) fibers.push_back(std::make_unique<Fiber>());
    warps.assign(count / 32, Warp{});
    waits_on.assign(count, nullptr);
    waits_for.assign(count, 0);
  }

  void Run(const std::function<void()>& kernel, Shuffle& shuffle, std::vector<uint32_t>& turns) {
    arrived = finished = 0;
    for (unsigned i = 0; i < threads; ++i) {
      fibers[i]->Start(&kernel);
      waits_on[i] = nullptr;
    }
    while (finished < threads) {
      bool progress = false;
      shuffle.Arrange(turns);
      for (const uint32_t thread : turns) {
        if (fibers[thread]->done()) continue;
        if (waits_on[thread] && *waits_on[thread] == waits_for[thread]) continue;
        waits_on[thread] = nullptr;
        current = thread;
        thread_index = {thread, 0, 0};
        fibers[thread]->Resume();
        finished += fibers[thread]->done();
        progress = true;
      }
      if (!progress) Fail("a barrier that not all threads of the block or warp reach");
    }
  }

  void Wait(const uint64_t* counter, uint64_t value) {
    const unsigned self = current;
    waits_on[self] = counter;
    waits_for[self] = value;
    fibers[self]->Yield();
  }
};

Block& TheBlock() {
  thread_local Block block;
  return block;
}

void RunGrid(dim3 grid, dim3 block, size_t shared, const std::function<void()>& kernel) {
  Device& device = TheDevice();
  Block& running = TheBlock();
  running.Prepare(block.x);
  block_size = block;
  grid_size = grid;
  Shuffle shuffle(device.order, device.seed + static_cast<uint64_t>(device.launches));
  const size_t blocks = static_cast<size_t>(grid.x) * grid.y * grid.z;
  std::vector<uint32_t> block_turns(blocks), thread_turns(block.x);
  shuffle.Arrange(block_turns);
  for (const uint32_t at : block_turns) {
    // Each block has its own exact allocation, so that AddressSanitizer sees both ends.
    running.shared = std::vector<unsigned char>(shared, kFresh);
    running.shared.shrink_to_fit();
    block_index = {at % grid.x, at / grid.x % grid.y, at / grid.x / grid.y};
    running.Run(kernel, shuffle, thread_turns);
  }
  ++device.launches;
}

}  // namespace

void SetOrder(Order order, uint64_t seed) {
  TheDevice().order = order;
  TheDevice().seed = seed;
}
void SetLate(bool late) { TheDevice().late = late; }
void SetMemoryLimit(size_t bytes) { TheDevice().limit = bytes; }
size_t MemoryInUse() { return TheDevice().in_use; }
void SetDeviceCount(int count) { TheDevice().devices = count; }
int64_t Launches() { return TheDevice().launches; }

cudaError_t LaunchKernel(dim3 grid, dim3 block, size_t shared, cudaStream_t stream,
                         std::function<void()> kernel) {
  Device& device = TheDevice();
  const std::lock_guard lock(device.mutex);
  const bool fits = grid.x >= 1 && grid.x <= 0x7fffffffu && grid.y >= 1 && grid.y <= 65535 && grid.z >= 1 &&
                    grid.z <= 65535 && block.x % 32 == 0 && block.x >= 32 && block.x <= kMaxThreads &&
                    block.y == 1 && block.z == 1 && shared <= 48 << 10;
  if (!fits) return device.Report(cudaErrorInvalidConfiguration);
  Enqueue(stream, [=, kernel = std::move(kernel)] { RunGrid(grid, block, shared, kernel); });
  return cudaSuccess;
}

void* DynamicShared() { return TheBlock().shared.data(); }

int64_t BlockBarrier(int64_t value) {
  Block& block = TheBlock();
  block.sum = block.arrived == 0 ? value : block.sum + value;
  const uint64_t generation = block.generation;
  if (++block.arrived == block.threads) {
    block.arrived = 0;
    block.result = block.sum;
    ++block.generation;
  } else {
    block.Wait(&block.generation, generation);
  }
  return block.result;
}

const uint64_t* WarpExchange(unsigned mask, uint64_t value) {
  if (mask != 0xffffffffu) Fail("only whole warps can be emulated");
  Block& block = TheBlock();
  Warp& warp = block.warps[block.current / 32];
  const uint64_t generation = warp.generation;
  uint64_t* given = warp.given[generation % 2];
  given[block.current % 32] = value;
  if (++warp.arrived == 32) {
    warp.arrived = 0;
    ++warp.generation;
  } else {
    block.Wait(&warp.generation, generation);
  }
  return given;
}

}  // namespace cuda_emulator

using namespace cuda_emulator;

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    default:
      return "invalid argument";
  }
}

cudaError_t cudaGetLastError() { return std::exchange(TheDevice().last, cudaSuccess); }

cudaError_t cudaGetDeviceCount(int* count) {
  *count = TheDevice().devices;
  return TheDevice().Report(*count > 0 ? cudaSuccess : cudaErrorInsufficientDriver);
}

cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  Device& device = TheDevice();
  const std::lock_guard lock(device.mutex);
  if (bytes > device.limit - std::min(device.limit, device.in_use))
    return device.Report(cudaErrorMemoryAllocation);
  auto* block = static_cast<unsigned char*>(std::aligned_alloc(256, (bytes + kGuardBytes + 255) / 256 * 256));
  if (!block) return device.Report(cudaErrorMemoryAllocation);
  std::memset(block, kFresh, bytes);
  std::memset(block + bytes, kGuard, kGuardBytes);
  device.memory[block] = bytes;
  device.in_use += bytes;
  *pointer = block;
  return cudaSuccess;
}

cudaError_t cudaFree(void* pointer) {
  if (!pointer) return cudaSuccess;
  Device& device = TheDevice();
  const std::lock_guard lock(device.mutex);
  const auto block = device.memory.find(static_cast<unsigned char*>(pointer));
  if (block == device.memory.end()) return device.Report(cudaErrorInvalidValue);
  for (size_t i = 0; i < kGuardBytes; ++i)
    if (block->first[block->second + i] != kGuard) Fail("a kernel wrote past the end of its memory");
  device.in_use -= block->second;
  device.memory.erase(block);
  std::free(pointer);
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** pointer, size_t bytes) {
  Device& device = TheDevice();
  const std::lock_guard lock(device.mutex);
  *pointer = std::malloc(bytes);
  std::memset(*pointer, kFresh, bytes);
  device.pinned[static_cast<unsigned char*>(*pointer)] = bytes;
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* pointer) {
  Device& device = TheDevice();
  const std::lock_guard lock(device.mutex);
  if (device.pinned.erase(static_cast<unsigned char*>(pointer)) == 0)
    return device.Report(cudaErrorInvalidValue);
  std::free(pointer);
  return cudaSuccess;
}

// As in CUDA, pinned host memory is copied when the stream gets there, other host memory at once.
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  Device& device = TheDevice();
  const std::lock_guard lock(device.mutex);
  const bool to_device = kind != cudaMemcpyDeviceToHost, from_device = kind != cudaMemcpyHostToDevice;
  if (to_device ? !device.Holds(device.memory, to, bytes) : device.Touches(to))
    return device.Report(cudaErrorInvalidValue);
  if (from_device ? !device.Holds(device.memory, from, bytes) : device.Touches(from))
    return device.Report(cudaErrorInvalidValue);
  const bool pinned = (to_device || device.Holds(device.pinned, to, bytes)) &&
                      (from_device || device.Holds(device.pinned, from, bytes));
  Enqueue(stream, [=] { std::memcpy(to, from, bytes); });
  return pinned ? cudaSuccess : cudaStreamSynchronize(stream);
}

cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
  Device& device = TheDevice();
  const std::lock_guard lock(device.mutex);
  if (!device.Holds(device.memory, to, bytes)) return device.Report(cudaErrorInvalidValue);
  Enqueue(stream, [=] { std::memset(to, value, bytes); });
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new CUstream_st;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const std::lock_guard lock(TheDevice().mutex);
  stream->Drain(stream->queue.size());
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  cudaStreamSynchronize(stream);
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new CUevent_st;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const std::lock_guard lock(TheDevice().mutex);
  event->stream = stream;
  event->place = stream->drained + stream->queue.size();
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const std::lock_guard lock(TheDevice().mutex);
  if (event->stream && event->place > event->stream->drained)
    event->stream->Drain(event->place - event->stream->drained);
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
