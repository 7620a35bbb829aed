// Label maps checked and narrowed to bytes in one pass over memory, O(pixels): the kernels after it read an
// eighth of an int64 map.
#include "labels/narrow_labels.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/parallel.h"
#include "labels/bad_pixels.h"
#include "labels/label_codes.h"
#include "labels/pixel_rows_loops.h"

namespace pixelcal::cpu {

StrayLabels NarrowLabels(const LabelSpan& labels, int64_t classes, std::optional<int64_t> ignore,
                         std::span<uint8_t> out) {
  constexpr int64_t kBlock = 4096;
  const int64_t pixels = Size(labels), blocks = (pixels - 1) / kBlock + 1;
  Require(classes >= 1 && classes <= kMaxClasses, "classes: expected 1 to ", kMaxClasses, ", got ", classes);
  Require(pixels >= 1, "labels: expected at least one pixel, got 0");
  if (!out.empty()) {
    Require(std::ssize(out) == pixels, "out: expected ", pixels, " pixels, got ", out.size());
    Require(classes <= 256, "classes: expected at most 256 to fit bytes, got ", classes);
    Require(!ignore || (*ignore >= 0 && *ignore <= 255), "ignore: expected 0 to 255 to fit bytes, got ",
            ignore.value_or(0));
  }
  const auto ignored = static_cast<uint8_t>(ignore.value_or(0));
  BadPixels bad;
  ParallelFor(blocks, 8, [&](int64_t begin, int64_t end) {
    alignas(64) std::array<int16_t, kBlock> codes;
    for (int64_t item = begin; item < end; ++item) {
      const int64_t at = item * kBlock, count = std::min(kBlock, pixels - at);
      const simd::CodeFlags flags = EncodeLabels(labels, at, count, classes, ignore, codes.data());
      if (flags.invalid) AddInvalid(codes.data(), at, count, bad);
      if (out.empty()) continue;
      uint8_t* to = out.data() + at;
      if (!flags.left_out && !flags.invalid) {
        for (int64_t i = 0; i < count; ++i) to[i] = static_cast<uint8_t>(codes[i]);
        continue;
      }
      for (int64_t i = 0; i < count; ++i)
        to[i] = codes[i] == simd::kLeftOut ? ignored : static_cast<uint8_t>(std::max<int16_t>(codes[i], 0));
    }
  });
  if (bad.count == 0) return {};
  return {bad.count, bad.first, LabelAt(labels, bad.first)};
}

}  // namespace pixelcal::cpu
