#include "arrays/stored_values.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "check.h"
#include "isa.h"

namespace pixelcal::test {
namespace {

// Stores values one by one: an unaligned start, either byte order, channels first or last.
template <class T>
std::vector<uint8_t> Stored(const std::vector<T>& values, bool swapped, bool last, int64_t batch,
                            int64_t channels, int64_t pixels) {
  std::vector<uint8_t> bytes(1 + values.size() * sizeof(T));
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t p = 0; p < pixels; ++p) {
        const T value = values[(n * channels + c) * pixels + p];
        uint8_t* to = bytes.data() + 1 +
                      sizeof(T) * (last ? (n * pixels + p) * channels + c : (n * channels + c) * pixels + p);
        std::memcpy(to, &value, sizeof(T));
        if (swapped) std::reverse(to, to + sizeof(T));
      }
  return bytes;
}

template <class T>
void CheckFloats(ElementType type, int64_t batch, int64_t channels, int64_t pixels) {
  std::vector<T> values(batch * channels * pixels);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<T>(static_cast<double>(i * 7919 % 251));
  std::vector<double> scale(channels), shift(channels);
  for (int64_t c = 0; c < channels; ++c) {
    scale[c] = 1.0 / (3 + static_cast<double>(c));
    shift[c] = static_cast<double>(c) - 0.25;
  }
  for (const bool swapped : {false, true})
    for (const bool last : {false, true}) {
      const std::vector<uint8_t> bytes = Stored(values, swapped, last, batch, channels, pixels);
      const StoredValues stored{std::span(bytes).subspan(1), type, swapped, last, batch, channels, pixels};
      EverywhereAtAnyThreadCount([&] {
        std::vector<float> out(values.size());
        cpu::StoredFloats(stored, scale, shift, out);
        for (size_t i = 0; i < values.size(); ++i) {
          const int64_t c = static_cast<int64_t>(i) / pixels % channels;
          CHECK(out[i] == static_cast<float>(static_cast<double>(values[i]) * scale[c] + shift[c]), i);
        }
      });
    }
}

TEST(StoredFloatsOfEveryTypeOrderAndLayout) {
  CHECK(ElementSize(ElementType::kFloat16) == 2 && ElementSize(ElementType::kFloat64) == 8);
  for (const auto [batch, channels, pixels] :
       {std::array<int64_t, 3>{1, 1, 1}, {2, 3, 7}, {1, 4, 4096}, {2, 3, 9001}}) {
    CheckFloats<uint8_t>(ElementType::kUint8, batch, channels, pixels);
    CheckFloats<int8_t>(ElementType::kInt8, batch, channels, pixels);
    CheckFloats<uint16_t>(ElementType::kUint16, batch, channels, pixels);
    CheckFloats<int16_t>(ElementType::kInt16, batch, channels, pixels);
    CheckFloats<uint32_t>(ElementType::kUint32, batch, channels, pixels);
    CheckFloats<int32_t>(ElementType::kInt32, batch, channels, pixels);
    CheckFloats<float>(ElementType::kFloat32, batch, channels, pixels);
    CheckFloats<uint64_t>(ElementType::kUint64, batch, channels, pixels);
    CheckFloats<int64_t>(ElementType::kInt64, batch, channels, pixels);
    CheckFloats<double>(ElementType::kFloat64, batch, channels, pixels);
  }
}

TEST(StoredFloatsWidensFloat16) {
  // 0.25, -2, the smallest subnormal, infinity.
  const std::vector<uint16_t> bits{0x3400, 0xc000, 0x0001, 0x7c00};
  const std::vector<float> expected{0.25f, -2, std::ldexp(1.0f, -24), std::numeric_limits<float>::infinity()};
  for (const bool swapped : {false, true}) {
    const std::vector<uint8_t> bytes = Stored(bits, swapped, false, 1, 1, 4);
    const StoredValues stored{std::span(bytes).subspan(1), ElementType::kFloat16, swapped, false, 1, 1, 4};
    const std::vector<double> one{1}, none{0};
    EverywhereAtAnyThreadCount([&] {
      std::vector<float> out(4);
      cpu::StoredFloats(stored, one, none, out);
      CHECK(out == expected);
    });
  }
}

TEST(StoredIntegersFindsTheFirstStray) {
  constexpr int64_t kCount = 9001;
  std::vector<double> values(kCount);
  for (int64_t i = 0; i < kCount; ++i) values[i] = static_cast<double>(i % 5) - 2;
  values[0] = std::numeric_limits<int32_t>::min();
  values[1] = std::numeric_limits<int32_t>::max();
  const auto run = [](const std::vector<double>& given, std::vector<int32_t>& out) {
    const std::vector<uint8_t> bytes = Stored(given, true, false, 1, 1, kCount);
    return cpu::StoredIntegers(
        {std::span(bytes).subspan(1), ElementType::kFloat64, true, false, 1, 1, kCount}, out);
  };
  EverywhereAtAnyThreadCount([&] {
    std::vector<int32_t> out(kCount);
    CHECK(run(values, out).count == 0);
    CHECK(std::equal(out.begin(), out.end(), values.begin()));
  });
  values[8000] = std::numeric_limits<double>::quiet_NaN();
  values[4097] = 2147483648.0;
  values[4500] = 0.5;
  EverywhereAtAnyThreadCount([&] {
    std::vector<int32_t> out(kCount);
    const StrayValues stray = run(values, out);
    CHECK(stray.count == 3 && stray.first == 4097 && stray.value == 2147483648.0);
    CHECK(out[4097] == 0 && out[4500] == 0 && out[8000] == 0 && out[8999] == 8999 % 5 - 2);
  });
}

TEST(StoredIntegersOfUnsignedTypes) {
  const std::vector<uint64_t> values{0, 2147483647, 2147483648, std::numeric_limits<uint64_t>::max()};
  const std::vector<uint8_t> bytes = Stored(values, false, false, 1, 1, 4);
  std::vector<int32_t> out(4);
  const StrayValues stray =
      cpu::StoredIntegers({std::span(bytes).subspan(1), ElementType::kUint64, false, false, 1, 1, 4}, out);
  CHECK(stray.count == 2 && stray.first == 2 && out[1] == 2147483647);
}

TEST(StoredValuesCheckLengths) {
  const std::vector<uint8_t> bytes(8);
  const std::vector<double> one{1}, none{0}, two{1, 1};
  std::vector<float> out(2);
  const StoredValues values{bytes, ElementType::kFloat32, false, false, 1, 1, 2};
  StoredValues longer = values;
  longer.pixels = 3;
  CHECK_THROWS(cpu::StoredFloats(longer, one, none, out), "source: expected 12 bytes, got 8");
  CHECK_THROWS(cpu::StoredFloats(values, two, none, out), "scale: expected 1 numbers, got 2");
  CHECK_THROWS(cpu::StoredFloats(values, one, two, out), "shift: expected 1 numbers, got 2");
  std::vector<float> short_out(1);
  CHECK_THROWS(cpu::StoredFloats(values, one, none, short_out), "out: expected 2 elements, got 1");
  StoredValues empty = values;
  empty.batch = 0;
  std::vector<int32_t> integers(2);
  CHECK_THROWS(cpu::StoredIntegers(empty, integers), "batch: expected at least 1, got 0");
}

TEST(CopyBytesCopiesAll) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{1} << 20, (size_t{5} << 20) + 3}) {
    std::vector<uint8_t> source(size), out(size, 255);
    for (size_t i = 0; i < size; ++i) source[i] = static_cast<uint8_t>(i * 31 % 251);
    cpu::CopyBytes(source, out);
    CHECK(source == out);
  }
  const std::vector<uint8_t> source(3);
  std::vector<uint8_t> out(2);
  CHECK_THROWS(cpu::CopyBytes(source, out), "out: expected 3 bytes, got 2");
}

}  // namespace
}  // namespace pixelcal::test
