// Runs kernels: the blocks of a grid one after the other, the threads of a block as fibers that take turns.
#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "device.h"
#include "fiber.h"

namespace cuda_emulator {
namespace {

constexpr unsigned kMaxThreads = 1024;

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
