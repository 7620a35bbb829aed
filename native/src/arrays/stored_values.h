#pragma once

#include <cstdint>
#include <span>

namespace pixelcal {

enum class ElementType {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kFloat16,
  kUint32,
  kInt32,
  kFloat32,
  kUint64,
  kInt64,
  kFloat64
};

// Returns the size of an element in bytes.
int64_t ElementSize(ElementType type);

// Values as another program stored them, in bytes that need not be aligned: [batch, channels, pixels], or
// [batch, pixels, channels] with `channels_last`; `swapped` means the other byte order.
struct StoredValues {
  std::span<const uint8_t> bytes;
  ElementType type = ElementType::kUint8;
  bool swapped = false;
  bool channels_last = false;
  int64_t batch = 1;
  int64_t channels = 1;
  int64_t pixels = 1;
};

// The values that are no integers of 32 bits: how many, where the first is stored, and its value.
struct StrayValues {
  int64_t count = 0;
  int64_t first = 0;
  double value = 0;
};

namespace cpu {

// Writes value * scale[channel] + shift[channel], computed in float64 and rounded once, as
// [batch, channels, pixels].
void StoredFloats(const StoredValues& values, std::span<const double> scale, std::span<const double> shift,
                  std::span<float> out);

// Writes the values as they lie; those that are not whole or do not fit are found and become 0.
StrayValues StoredIntegers(const StoredValues& values, std::span<int32_t> out);

// Copies bytes with every thread, because fresh pages cost more than the copy.
void CopyBytes(std::span<const uint8_t> source, std::span<uint8_t> out);

}  // namespace cpu
}  // namespace pixelcal
