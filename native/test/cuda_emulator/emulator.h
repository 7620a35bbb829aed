#pragma once

#include <cstddef>
#include <cstdint>

// Controls of the emulated device for tests.
namespace cuda_emulator {

// The order in which the threads of a block, and the blocks of a grid, take turns. A result that depends on
// it shows a missing barrier or a race between blocks.
enum class Order { kForward, kReverse, kShuffled };
void SetOrder(Order order, uint64_t seed = 1);

// Sets when work runs. Late: when a caller waits for the stream or an event on it, as late as CUDA allows;
// otherwise at once.
void SetLate(bool late);

// The limit of allocated device memory, in bytes.
inline constexpr size_t kMemory = size_t{16} << 30;
void SetMemoryLimit(size_t bytes = kMemory);
size_t MemoryInUse();

// Sets the number of devices; 0 stands for a machine without a driver.
void SetDeviceCount(int count);

// Returns the number of kernels started so far.
int64_t Launches();

}  // namespace cuda_emulator
