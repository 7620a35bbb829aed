#include "morphology/packed_mask.h"

#include <cstdint>
#include <vector>

#include "check.h"
#include "isa.h"
#include "morphology_twin.h"

namespace pixelcal {
namespace {

using test::Image;
using test::Mask;

TEST(PackedMasksAreTheirPixels) {
  for (const int64_t width : {1, 63, 64, 65, 127, 128, 129, 200}) {
    const Grid grid = MakeGrid(2, std::vector<int64_t>{3, width});
    const Image mask = Mask(grid, 50, static_cast<unsigned>(width));
    const auto words_of_row = static_cast<size_t>((width + 63) / 64);
    std::vector<uint64_t> expected(6 * words_of_row, 0);
    for (size_t i = 0; i < mask.size(); ++i) {
      const size_t row = i / static_cast<size_t>(width), x = i % static_cast<size_t>(width);
      if (mask[i] != 0) expected[row * words_of_row + x / 64] |= uint64_t{1} << (x % 64);
    }
    test::ForEachIsa([&] {
      std::vector<uint64_t> words(expected.size(), ~uint64_t{0});
      cpu::PackMask(mask, grid, words);
      CHECK(words == expected, "width ", width);
      for (const size_t offset : {0, 1, 40}) {
        Image memory(mask.size() + 64, 7), want(mask.size() + 64, 7);
        for (size_t i = 0; i < mask.size(); ++i) want[offset + i] = mask[i] != 0;
        cpu::UnpackMask(words, grid, std::span(memory).subspan(offset, mask.size()));
        CHECK(memory == want, "width ", width, " offset ", offset);
      }
    });
    std::vector<uint64_t> words(expected.size());
    CHECK_THROWS(cpu::PackMask(std::span(mask).first(1), grid, words), "mask: expected ");
    CHECK_THROWS(cpu::PackMask(mask, grid, std::span(words).first(1)), "words: expected ");
  }
}

}  // namespace
}  // namespace pixelcal
