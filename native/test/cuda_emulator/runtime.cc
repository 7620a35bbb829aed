// CUDA's runtime functions on the emulated device, and the controls of emulator.h.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "device.h"

namespace cuda_emulator {
namespace {

constexpr unsigned char kGuard = 0x5a;
constexpr size_t kGuardBytes = 64;

}  // namespace

[[noreturn]] void Fail(const char* what) {
  std::fprintf(stderr, "CUDA emulator: %s\n", what);
  std::abort();
}

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

void SetOrder(Order order, uint64_t seed) {
  TheDevice().order = order;
  TheDevice().seed = seed;
}
void SetLate(bool late) { TheDevice().late = late; }
void SetMemoryLimit(size_t bytes) { TheDevice().limit = bytes; }
size_t MemoryInUse() { return TheDevice().in_use; }
void SetDeviceCount(int count) { TheDevice().devices = count; }
int64_t Launches() { return TheDevice().launches; }

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
