#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "base/shape.h"
#include "base/span.h"
#include "cuda/check.h"
#include "cuda/device.h"

namespace pixelcal::cuda {

// The work of one call on the device: a CUDA stream with the memory it uses, both from the pool. Kernels,
// uploads and downloads run in the order of their requests; Finish() fetches the results. Host memory passes
// through two pinned blocks in turn, so that the device copies one while the host fills or empties the other.
class Stream {
 public:
  Stream();
  ~Stream();  // waits for the device, then returns everything
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  cudaStream_t get() const { return stream_; }

  // Returns uninitialised device memory, valid until the end of the call.
  template <class T>
  T* Allocate(int64_t count) {
    return static_cast<T*>(AllocateBytes(Bytes<T>(count)));
  }
  template <class T>
  T* Zeros(int64_t count) {
    T* memory = Allocate<T>(count);
    PIXELCAL_CUDA(cudaMemsetAsync, memory, 0, static_cast<size_t>(Bytes<T>(count)), stream_);
    return memory;
  }

  // Returns the values on the device: in place if they are there, else an uploaded copy. Null if there are
  // none.
  template <class T>
  const T* In(std::span<const T> values) {
    if (values.empty()) return nullptr;
    if (OnDevice(values.data())) return values.data();
    T* copy = Allocate<T>(std::ssize(values));
    Upload(values.data(), copy, values.size_bytes());
    return copy;
  }
  template <class T>
  const T* In(const std::vector<T>& values) {
    return In(std::span<const T>(values));
  }
  // Returns the place to compute `values`: in place, or memory that Finish() copies from.
  template <class T>
  T* Out(std::span<T> values) {
    if (values.empty()) return nullptr;
    if (OnDevice(values.data())) return values.data();
    T* memory = Allocate<T>(std::ssize(values));
    downloads_.push_back({memory, values.data(), values.size_bytes()});
    return memory;
  }
  // Returns the place to update `values`.
  template <class T>
  T* InOut(std::span<T> values) {
    T* memory = Out(values);
    if (!values.empty() && memory != values.data()) Upload(values.data(), memory, values.size_bytes());
    return memory;
  }

  // Waits for all requested work and copies the results of Out() and InOut() to the host.
  void Finish();

  // Waits, and fetches `count` values.
  template <class T>
  std::vector<T> Read(const T* device, int64_t count) {
    std::vector<T> values(static_cast<size_t>(count));
    if (count > 0) Download(device, values.data(), values.size() * sizeof(T));
    return values;
  }

  // Copies host memory to the device, in order with the other work, or device memory to the host, at once.
  void Upload(const void* host, void* device, size_t bytes);
  void Download(const void* device, void* host, size_t bytes);

  void Wait() { PIXELCAL_CUDA(cudaStreamSynchronize, stream_); }

 private:
  struct Copy {
    const void* device;
    void* host;
    size_t bytes;
  };
  struct Staging {
    void* block = nullptr;
    cudaEvent_t copied = nullptr;
  };

  template <class T>
  static int64_t Bytes(int64_t count) {
    return CheckedProduct(count, sizeof(T));
  }
  void* AllocateBytes(int64_t bytes);
  Staging& NextStaging();

  cudaStream_t stream_;
  std::vector<void*> memory_;
  std::vector<Copy> downloads_;
  std::array<Staging, 2> staging_;
  size_t turn_ = 0;
};

// Calls body(stream, first, count) for the `items` (images) in order, in pieces of at least PieceBytes() of
// host traffic, on two streams in turn: one piece is transferred while another is computed. body requests
// work and does not wait for it; a batch that is small, or on the device already, is one piece.
template <class Body>
void ForPieces(int64_t items, int64_t bytes_per_item, const Body& body) {
  const auto piece_bytes = static_cast<int64_t>(PieceBytes());
  const int64_t least = bytes_per_item > 0 ? (piece_bytes - 1) / bytes_per_item + 1 : items;
  const int64_t pieces = std::max<int64_t>(1, items / std::max<int64_t>(least, 1));
  Stream even;
  if (pieces == 1) {
    body(even, int64_t{0}, items);
    return even.Finish();
  }
  Stream odd;
  for (int64_t piece = 0; piece < pieces; ++piece) {
    Stream& stream = piece % 2 ? odd : even;
    stream.Finish();
    const int64_t first = items / pieces * piece + std::min(piece, items % pieces);
    body(stream, first, items / pieces + (piece < items % pieces ? 1 : 0));
  }
  // The last but one piece finishes first, because it was requested first.
  (pieces % 2 ? odd : even).Finish();
  (pieces % 2 ? even : odd).Finish();
}

// Calls body(stream, first, piece) for the images of a grid, with the grid of count images from `first` on;
// `bytes` is the host traffic of all of them.
template <class Body>
void ForPieces(const Grid& grid, int64_t bytes, const Body& body) {
  ForPieces(grid.batch, bytes / grid.batch, [&](Stream& stream, int64_t first, int64_t images) {
    Grid piece = grid;
    piece.batch = images;
    body(stream, first, piece);
  });
}

// Returns the bytes of `values` that have to cross to the device or back.
template <class T>
int64_t HostBytes(std::span<T> values) {
  return values.empty() || OnDevice(values.data()) ? 0 : static_cast<int64_t>(values.size_bytes());
}
inline int64_t HostBytes(const LabelSpan& labels) {
  return std::visit([](auto span) { return HostBytes(span); }, labels);
}

// Returns the part [first, first + count) of a span; an empty span stays empty.
template <class T>
std::span<T> Part(std::span<T> values, int64_t first, int64_t count) {
  if (values.empty()) return values;
  return values.subspan(static_cast<size_t>(first), static_cast<size_t>(count));
}

}  // namespace pixelcal::cuda
