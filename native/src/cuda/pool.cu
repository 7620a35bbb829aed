// The allocator behind every cuda:: call; see pool.h. Tested on an emulator, never yet run on a GPU.
#include <algorithm>
#include <bit>

#include "cuda/check.h"
#include "cuda/device.h"
#include "cuda/pool.h"

namespace pixelcal::cuda {

// The pool is never destroyed: the driver may be gone before static destructors run.
Pool& Pool::Get() {
  static Pool* pool = new Pool;
  return *pool;
}

// Rounds up by at most an eighth, which gives eight sizes per power of two; exact on the emulator, which
// looks for overruns.
size_t Pool::Rounded(size_t bytes) {
#if defined(PIXELCAL_CUDA_EMULATED)
  return std::max<size_t>(bytes, 1);
#endif
  if (bytes <= 512) return 512;
  const size_t step = std::bit_floor(bytes - 1) / 8;
  return bytes > SIZE_MAX - step ? bytes : (bytes + step - 1) / step * step;
}

void* Pool::Allocate(size_t wanted) {
  const size_t bytes = Rounded(wanted);
  const std::lock_guard lock(mutex_);
  if (const auto found = free_.find(bytes); found != free_.end()) {
    char* block = found->second;
    free_.erase(found);
    blocks_[block].used = true;
    return block;
  }
  void* block = nullptr;
  cudaError_t error = cudaMalloc(&block, bytes);
  if (error == cudaErrorMemoryAllocation) {
    (void)cudaGetLastError();
    ReleaseLocked();
    error = cudaMalloc(&block, bytes);
  }
  if (error == cudaErrorMemoryAllocation) {
    (void)cudaGetLastError();
    size_t used = 0;
    for (const auto& [at, held] : blocks_) used += held.bytes;
    throw OutOfDeviceMemory("cuda: out of device memory: wanted " + std::to_string(wanted) +
                            " bytes, while " + std::to_string(used) + " are in use");
  }
  Check(error, "cudaMalloc");
  blocks_[static_cast<char*>(block)] = {bytes, true};
  return block;
}

void Pool::Free(void* block) {
  if (!block) return;
  const std::lock_guard lock(mutex_);
  Block& held = blocks_.at(static_cast<char*>(block));
  held.used = false;
  free_.emplace(held.bytes, static_cast<char*>(block));
}

bool Pool::Holds(const void* pointer) {
  const std::lock_guard lock(mutex_);
  auto* at = static_cast<char*>(const_cast<void*>(pointer));
  auto block = blocks_.upper_bound(at);
  if (block == blocks_.begin()) return false;
  --block;
  return at < block->first + block->second.bytes;
}

size_t Pool::FreeBytes() {
  const std::lock_guard lock(mutex_);
  size_t bytes = 0;
  for (const auto& [size, block] : free_) bytes += size;
  return bytes;
}

void Pool::Release() {
  const std::lock_guard lock(mutex_);
  ReleaseLocked();
}

void Pool::ReleaseLocked() {
  for (const auto& [size, block] : free_) {
    blocks_.erase(block);
    PIXELCAL_CUDA(cudaFree, block);
  }
  free_.clear();
}

void* Pool::AllocateStaging() {
  const std::lock_guard lock(mutex_);
  void* block = nullptr;
  if (staging_.empty()) {
    PIXELCAL_CUDA(cudaMallocHost, &block, kStagingBytes);
  } else {
    block = staging_.back();
    staging_.pop_back();
  }
  return block;
}

void Pool::FreeStaging(void* block) {
  const std::lock_guard lock(mutex_);
  staging_.push_back(block);
}

cudaStream_t Pool::TakeStream() {
  const std::lock_guard lock(mutex_);
  cudaStream_t stream = nullptr;
  if (streams_.empty()) {
    PIXELCAL_CUDA(cudaStreamCreateWithFlags, &stream, cudaStreamNonBlocking);
  } else {
    stream = streams_.back();
    streams_.pop_back();
  }
  return stream;
}

void Pool::ReturnStream(cudaStream_t stream) {
  const std::lock_guard lock(mutex_);
  streams_.push_back(stream);
}

}  // namespace pixelcal::cuda
