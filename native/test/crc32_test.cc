#include "base/crc32.h"

#include <string_view>
#include <vector>

#include "check.h"
#include "isa.h"

using namespace pixelcal;

namespace {

// The twin: the remainder bit by bit.
uint32_t BitByBit(std::span<const uint8_t> bytes) {
  uint32_t state = ~uint32_t{0};
  for (const uint8_t byte : bytes) {
    state ^= byte;
    for (int bit = 0; bit < 8; ++bit) state = state >> 1 ^ (state & 1 ? 0xedb88320u : 0u);
  }
  return ~state;
}

}  // namespace

TEST(Crc32HasTheValueOfTheStandard) {
  constexpr std::string_view kText = "123456789";
  CHECK(Crc32(std::span(reinterpret_cast<const uint8_t*>(kText.data()), kText.size())) == 0xcbf43926u);
  CHECK(Crc32({}) == 0 && Crc32({}, 7) == 7);
}

TEST(Crc32OfAnyLengthAndPiecesEqualsItsTwin) {
  std::vector<uint8_t> bytes(1700);
  uint32_t seed = 1;
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>((seed = seed * 1664525 + 1013904223) >> 24);
  for (size_t begin = 0; begin < 20; begin += 3)
    for (size_t length = 0; length <= 1600; length += length < 300 ? 1 : 37) {
      const auto part = std::span<const uint8_t>(bytes).subspan(begin, length);
      const uint32_t expected = BitByBit(part);
      CHECK(~internal::Crc32Bytes(~uint32_t{0}, part.data(), part.size()) == expected, "length ", length);
      const size_t cut = length * 2 / 5;
      test::ForEachIsa([&] {
        CHECK(Crc32(part) == expected, "begin ", begin, " length ", length);
        CHECK(Crc32(part.subspan(cut), Crc32(part.first(cut))) == expected, "cut ", cut, " of ", length);
      });
    }
}
