// Arrays of any element type, byte order and place of the channels, read in one pass over memory in blocks
// that fit the cache.
#include "arrays/stored_values.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/error.h"
#include "base/parallel.h"
#include "base/shape.h"
#include "labels/bad_pixels.h"
#include "labels/pixel_rows_loops.h"

namespace pixelcal {
namespace {

constexpr int64_t kBlock = 4096;

struct Half {
  uint16_t bits;
};

// Calls visit(T{}) with the type of the elements.
template <class Visit>
decltype(auto) WithElement(ElementType type, const Visit& visit) {
  switch (type) {
    case ElementType::kUint8:
      return visit(uint8_t{});
    case ElementType::kInt8:
      return visit(int8_t{});
    case ElementType::kUint16:
      return visit(uint16_t{});
    case ElementType::kInt16:
      return visit(int16_t{});
    case ElementType::kFloat16:
      return visit(Half{});
    case ElementType::kUint32:
      return visit(uint32_t{});
    case ElementType::kInt32:
      return visit(int32_t{});
    case ElementType::kFloat32:
      return visit(float{});
    case ElementType::kUint64:
      return visit(uint64_t{});
    case ElementType::kInt64:
      return visit(int64_t{});
    case ElementType::kFloat64:
      break;
  }
  return visit(double{});
}

// Reads `count` elements that lie `stride` elements apart.
template <class T>
void Gather(const uint8_t* from, int64_t stride, int64_t count, bool swapped, T* to) {
  const int64_t step = stride * static_cast<int64_t>(sizeof(T));
  if (stride == 1)
    std::memcpy(to, from, static_cast<size_t>(count) * sizeof(T));
  else
    for (int64_t i = 0; i < count; ++i) std::memcpy(to + i, from + i * step, sizeof(T));
  if (!swapped || sizeof(T) == 1) return;
  for (int64_t i = 0; i < count; ++i) {
    std::array<uint8_t, sizeof(T)> bytes;
    std::memcpy(bytes.data(), to + i, sizeof(T));
    std::reverse(bytes.begin(), bytes.end());
    std::memcpy(to + i, bytes.data(), sizeof(T));
  }
}

// A block of elements as numbers.
template <class T>
class Block {
 public:
  void Read(const uint8_t* from, int64_t stride, int64_t count, bool swapped) {
    Gather(from, stride, count, swapped, elements_.data());
    if constexpr (std::is_same_v<T, Half>)
      PixelRowsLoops().widen(reinterpret_cast<const uint16_t*>(elements_.data()), static_cast<size_t>(count),
                             numbers_.data());
  }
  auto operator[](int64_t i) const {
    if constexpr (std::is_same_v<T, Half>)
      return numbers_[static_cast<size_t>(i)];
    else
      return elements_[static_cast<size_t>(i)];
  }

 private:
  alignas(64) std::array<T, kBlock> elements_;
  alignas(64) std::array<float, std::is_same_v<T, Half> ? kBlock : 1> numbers_;
};

template <class T>
bool IsInt32(T value) {
  constexpr auto kLow = std::numeric_limits<int32_t>::min(), kHigh = std::numeric_limits<int32_t>::max();
  if constexpr (std::is_floating_point_v<T>) {
    const auto wide = static_cast<double>(value);
    return wide >= kLow && wide <= kHigh && std::floor(wide) == wide;
  } else if constexpr (std::is_signed_v<T>) {
    return static_cast<int64_t>(value) >= kLow && static_cast<int64_t>(value) <= kHigh;
  } else {
    return static_cast<uint64_t>(value) <= static_cast<uint64_t>(kHigh);
  }
}

// Returns the number of values; throws unless the bytes hold exactly as many.
int64_t CheckedCount(const StoredValues& values) {
  const auto& [bytes, type, swapped, channels_last, batch, channels, pixels] = values;
  Require(batch >= 1, "batch: expected at least 1, got ", batch);
  Require(channels >= 1, "channels: expected at least 1, got ", channels);
  Require(pixels >= 1, "pixels: expected at least 1, got ", pixels);
  const int64_t count = CheckedProduct(CheckedProduct(batch, channels), pixels);
  const int64_t size = CheckedProduct(count, ElementSize(type));
  Require(std::ssize(bytes) == size, "source: expected ", size, " bytes, got ", bytes.size());
  return count;
}

}  // namespace

int64_t ElementSize(ElementType type) {
  return WithElement(type, [](auto element) { return static_cast<int64_t>(sizeof element); });
}

namespace cpu {

void StoredFloats(const StoredValues& values, std::span<const double> scale, std::span<const double> shift,
                  std::span<float> out) {
  const int64_t count = CheckedCount(values);
  const int64_t channels = values.channels, pixels = values.pixels;
  Require(std::ssize(scale) == channels, "scale: expected ", channels, " numbers, got ", scale.size());
  Require(std::ssize(shift) == channels, "shift: expected ", channels, " numbers, got ", shift.size());
  Require(std::ssize(out) == count, "out: expected ", count, " elements, got ", out.size());
  const int64_t blocks = (pixels - 1) / kBlock + 1;
  WithElement(values.type, [&](auto element) {
    using T = decltype(element);
    // The channels of one block follow each other, because they share its memory where they come last.
    ParallelFor(values.batch * blocks, 1, [&](int64_t begin, int64_t end) {
      Block<T> block;
      for (int64_t item = begin; item < end; ++item) {
        const int64_t image = item / blocks, at = item % blocks * kBlock;
        const int64_t length = std::min(kBlock, pixels - at);
        for (int64_t c = 0; c < channels; ++c) {
          const int64_t from = values.channels_last ? (image * pixels + at) * channels + c
                                                    : (image * channels + c) * pixels + at;
          block.Read(values.bytes.data() + from * static_cast<int64_t>(sizeof(T)),
                     values.channels_last ? channels : 1, length, values.swapped);
          float* to = out.data() + (image * channels + c) * pixels + at;
          for (int64_t i = 0; i < length; ++i)
            to[i] = static_cast<float>(static_cast<double>(block[i]) * scale[c] + shift[c]);
        }
      }
    });
  });
}

StrayValues StoredIntegers(const StoredValues& values, std::span<int32_t> out) {
  const int64_t count = CheckedCount(values);
  Require(std::ssize(out) == count, "out: expected ", count, " elements, got ", out.size());
  return WithElement(values.type, [&](auto element) {
    using T = decltype(element);
    BadPixels bad;
    ParallelFor((count - 1) / kBlock + 1, 1, [&](int64_t begin, int64_t end) {
      Block<T> block;
      for (int64_t item = begin; item < end; ++item) {
        const int64_t at = item * kBlock, length = std::min(kBlock, count - at);
        block.Read(values.bytes.data() + at * static_cast<int64_t>(sizeof(T)), 1, length, values.swapped);
        for (int64_t i = 0; i < length; ++i) {
          const bool fits = IsInt32(block[i]);
          out[static_cast<size_t>(at + i)] = fits ? static_cast<int32_t>(block[i]) : 0;
          if (!fits) bad.Add(at + i);
        }
      }
    });
    if (bad.count == 0) return StrayValues{};
    Block<T> block;
    block.Read(values.bytes.data() + bad.first * static_cast<int64_t>(sizeof(T)), 1, 1, values.swapped);
    return StrayValues{bad.count, bad.first, static_cast<double>(block[0])};
  });
}

void CopyBytes(std::span<const uint8_t> source, std::span<uint8_t> out) {
  Require(source.size() == out.size(), "out: expected ", source.size(), " bytes, got ", out.size());
  constexpr int64_t kPiece = 1 << 20;
  ParallelFor(std::ssize(source), kPiece, [&](int64_t begin, int64_t end) {
    std::memcpy(out.data() + begin, source.data() + begin, static_cast<size_t>(end - begin));
  });
}

}  // namespace cpu
}  // namespace pixelcal
