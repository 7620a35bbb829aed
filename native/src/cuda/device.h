#pragma once

// What the rest of PixelCal sees of CUDA. Every cuda:: kernel takes spans of host memory or of DeviceMemory,
// in any mixture: results that feed one another need not leave the device.

#include <cstddef>
#include <new>
#include <string>

namespace pixelcal::cuda {

// Whether there is a driver with at least one device.
bool Available();

// "cuda: out of device memory: wanted N bytes, ...": thrown after the pool has given back what it kept; the
// next call works.
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

// Whether `pointer` is in device memory of the pool.
bool OnDevice(const void* pointer);

// Host traffic from which a batch is cut into pieces that overlap in time; a result does not depend on it.
void SetPieceBytes(size_t bytes);
size_t PieceBytes();

// Device memory that the pool keeps for later calls, in bytes, and a way to give it back.
size_t PooledBytes();
void ReleasePooled();

}  // namespace pixelcal::cuda
