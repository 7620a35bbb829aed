// Streams, staging and device memory; see stream.h and device.h. Tested on an emulator, never yet run on a
// GPU.
#include <algorithm>
#include <atomic>
#include <cstring>

#include "base/parallel.h"
#include "cuda/pool.h"
#include "cuda/stream.h"

namespace pixelcal::cuda {
namespace {

// One thread copies at about half the speed of the bus.
void CopyOnHost(void* to, const void* from, size_t bytes) {
  ParallelFor(static_cast<int64_t>(bytes), 1 << 20, [&](int64_t begin, int64_t end) {
    std::memcpy(static_cast<char*>(to) + begin, static_cast<const char*>(from) + begin,
                static_cast<size_t>(end - begin));
  });
}

}  // namespace

std::string Problem() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess) return count > 0 ? "" : "the NVIDIA driver lists no device";
  (void)cudaGetLastError();
  // The runtime does not tell the two apart.
  if (error == cudaErrorInsufficientDriver) return "there is no NVIDIA driver, or it is too old";
  return cudaGetErrorString(error);
}

bool Available() { return Problem().empty(); }

namespace {
std::atomic<size_t> piece_bytes{size_t{32} << 20};
}
void SetPieceBytes(size_t bytes) { piece_bytes = bytes; }
size_t PieceBytes() { return piece_bytes; }

bool OnDevice(const void* pointer) { return Pool::Get().Holds(pointer); }
size_t PooledBytes() { return Pool::Get().FreeBytes(); }
void ReleasePooled() { Pool::Get().Release(); }

DeviceMemory::DeviceMemory(size_t bytes) : data_(Pool::Get().Allocate(bytes)), bytes_(bytes) {}
DeviceMemory::~DeviceMemory() { Pool::Get().Free(data_); }

void DeviceMemory::CopyFrom(const void* host) const {
  Stream stream;
  stream.Upload(host, data_, bytes_);
  stream.Wait();
}

void DeviceMemory::CopyTo(void* host) const { Stream().Download(data_, host, bytes_); }

Stream::Stream() : stream_(Pool::Get().TakeStream()) {}

Stream::~Stream() {
  // After an error the device may still be using this memory.
  if (cudaStreamSynchronize(stream_) != cudaSuccess) (void)cudaGetLastError();
  Pool& pool = Pool::Get();
  for (void* block : memory_) pool.Free(block);
  for (const Staging& staging : staging_) {
    if (staging.copied) (void)cudaEventDestroy(staging.copied);
    if (staging.block) pool.FreeStaging(staging.block);
  }
  pool.ReturnStream(stream_);
}

void* Stream::AllocateBytes(int64_t bytes) {
  memory_.push_back(nullptr);
  return memory_.back() = Pool::Get().Allocate(static_cast<size_t>(bytes));
}

// Returns the next pinned block, once the device has finished with it.
Stream::Staging& Stream::NextStaging() {
  Staging& staging = staging_[turn_++ % staging_.size()];
  if (!staging.copied) PIXELCAL_CUDA(cudaEventCreateWithFlags, &staging.copied, cudaEventDisableTiming);
  if (!staging.block) staging.block = Pool::Get().AllocateStaging();
  PIXELCAL_CUDA(cudaEventSynchronize, staging.copied);
  return staging;
}

void Stream::Upload(const void* host, void* device, size_t bytes) {
  for (size_t at = 0; at < bytes; at += Pool::kStagingBytes) {
    const size_t count = std::min(bytes - at, Pool::kStagingBytes);
    Staging& staging = NextStaging();
    CopyOnHost(staging.block, static_cast<const char*>(host) + at, count);
    PIXELCAL_CUDA(cudaMemcpyAsync, static_cast<char*>(device) + at, staging.block, count,
                  cudaMemcpyHostToDevice, stream_);
    PIXELCAL_CUDA(cudaEventRecord, staging.copied, stream_);
  }
}

void Stream::Download(const void* device, void* host, size_t bytes) {
  Staging* before = nullptr;
  for (size_t at = 0; at < bytes || before; at += Pool::kStagingBytes) {
    Staging* now = nullptr;
    if (at < bytes) {
      now = &NextStaging();
      PIXELCAL_CUDA(cudaMemcpyAsync, now->block, static_cast<const char*>(device) + at,
                    std::min(bytes - at, Pool::kStagingBytes), cudaMemcpyDeviceToHost, stream_);
      PIXELCAL_CUDA(cudaEventRecord, now->copied, stream_);
    }
    if (before) {
      const size_t from = at - Pool::kStagingBytes;
      PIXELCAL_CUDA(cudaEventSynchronize, before->copied);
      CopyOnHost(static_cast<char*>(host) + from, before->block, std::min(bytes - from, Pool::kStagingBytes));
    }
    before = now;
  }
}

void Stream::Finish() {
  for (const Copy& copy : downloads_) Download(copy.device, copy.host, copy.bytes);
  downloads_.clear();
  Wait();
  for (void* block : memory_) Pool::Get().Free(block);
  memory_.clear();
}

}  // namespace pixelcal::cuda
