#pragma once

// The interface of CUDA for the rest of PixelCal. Every cuda:: kernel takes spans of host memory or of
// DeviceMemory, in any mixture: results that feed one another need not leave the device.

#include <cstddef>
#include <new>
#include <string>

namespace pixelcal::cuda {

// Returns whether there is a driver with at least one device.
bool Available();

// Returns why there is no device, empty if there is one.
std::string Problem();

// The error "cuda: out of device memory: wanted N bytes, ...", thrown after the pool has returned its kept
// blocks; the next call works.
class OutOfDeviceMemory : public std::bad_alloc {
 public:
  explicit OutOfDeviceMemory(std::string message) : message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

// A block of device memory from the pool; nothing may use it any more when it is destroyed.
class DeviceMemory {
 public:
  explicit DeviceMemory(size_t bytes);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  void CopyFrom(const void* host) const;
  void CopyTo(void* host) const;

 private:
  void* data_;
  size_t bytes_;
};

// Returns whether `pointer` is in device memory of the pool.
bool OnDevice(const void* pointer);

// Sets the host traffic above which a batch is cut into pieces that overlap in time; results do not depend on
// it.
void SetPieceBytes(size_t bytes);
size_t PieceBytes();

// Returns the bytes of device memory that the pool keeps for later calls; ReleasePooled gives them back.
size_t PooledBytes();
void ReleasePooled();

}  // namespace pixelcal::cuda
