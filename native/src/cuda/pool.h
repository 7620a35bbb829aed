#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <map>
#include <mutex>
#include <vector>

namespace pixelcal::cuda {

// A pool of memory and streams that outlive the calls that used them, because allocating on a device waits
// for all its work. Blocks come in a few sizes, so that a similar call finds one; when the device is full,
// unused blocks are freed.
class Pool {
 public:
  static Pool& Get();

  void* Allocate(size_t bytes);
  void Free(void* block);  // nothing on the device may use it any more
  bool Holds(const void* pointer);
  size_t FreeBytes();
  void Release();

  // Pinned blocks of kStagingBytes.
  static constexpr size_t kStagingBytes = 4 << 20;
  void* AllocateStaging();
  void FreeStaging(void* block);

  cudaStream_t TakeStream();
  void ReturnStream(cudaStream_t stream);

 private:
  static size_t Rounded(size_t bytes);
  void ReleaseLocked();

  struct Block {
    size_t bytes;
    bool used;
  };
  std::mutex mutex_;
  std::map<char*, Block> blocks_;
  std::multimap<size_t, char*> free_;
  std::vector<void*> staging_;
  std::vector<cudaStream_t> streams_;
};

}  // namespace pixelcal::cuda
