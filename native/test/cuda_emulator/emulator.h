#pragma once

#include <cstddef>
#include <cstdint>

// Steers the emulated device in tests.
namespace cuda_emulator {

// The order in which the threads of a block, and the blocks of a grid, take their turns. A result that
// depends on it is a missing barrier or a race between blocks.
enum class Order { kForward, kReverse, kShuffled };
void SetOrder(Order order, uint64_t seed = 1);

// Late: what is given to a stream runs when somebody waits for the stream or an event on it, as late as CUDA
// allows; otherwise it runs at once.
void SetLate(bool late);

// Device memory that may be allocated together, in bytes.
inline constexpr size_t kMemory = size_t{16} << 30;
void SetMemoryLimit(size_t bytes = kMemory);
size_t MemoryInUse();

// 0: as a machine without a driver.
void SetDeviceCount(int count);

// Kernels started so far.
int64_t Launches();

}  // namespace cuda_emulator
