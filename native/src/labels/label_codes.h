#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/parallel.h"
#include "base/span.h"
#include "labels/bad_pixels.h"
#include "labels/pixel_rows_loops.h"

namespace pixelcal::cpu {

// Encodes labels[at] to labels[at + count - 1]: the class, simd::kLeftOut where the label is `ignore`,
// simd::kInvalid where it is no class.
inline simd::CodeFlags EncodeLabels(const LabelSpan& labels, int64_t at, int64_t count, int64_t classes,
                                    std::optional<int64_t> ignore, int16_t* codes) {
  const simd::LabelRange range{classes, ignore.has_value(), ignore.value_or(0)};
  const simd::PixelRowsTable& loops = PixelRowsLoops();
  if (const auto* bytes = std::get_if<std::span<const uint8_t>>(&labels))
    return loops.encode_uint8(bytes->data() + at, count, range, codes);
  if (const auto* ints = std::get_if<std::span<const int32_t>>(&labels))
    return loops.encode_int32(ints->data() + at, count, range, codes);
  return loops.encode_int64(std::get<std::span<const int64_t>>(labels).data() + at, count, range, codes);
}

inline int64_t LabelAt(const LabelSpan& labels, int64_t at) {
  return std::visit([at](auto span) { return static_cast<int64_t>(span[at]); }, labels);
}

// Adds the pixels whose codes, starting at pixel `at`, are no class.
inline void AddInvalid(const int16_t* codes, int64_t at, int64_t count, BadPixels& bad) {
  for (int64_t i = 0; i < count; ++i)
    if (codes[i] == simd::kInvalid) bad.Add(at + i);
}

// Calls body(image, start, count, codes) for runs of pixels of labels [batch, pixels] on any thread, then
// throws for labels that are no class.
template <class Body>
void ForCodes(const LabelSpan& labels, int64_t batch, int64_t pixels, int64_t classes,
              std::optional<int64_t> ignore, const Body& body) {
  constexpr int64_t kBlock = 4096;  // codes of a block stay in L1 while every class reads them
  const int64_t blocks = (pixels - 1) / kBlock + 1;
  BadPixels bad;
  ParallelFor(batch * blocks, 4, [&](int64_t begin, int64_t end) {
    std::array<int16_t, kBlock> codes;
    for (int64_t item = begin; item < end; ++item) {
      const int64_t n = item / blocks, start = item % blocks * kBlock;
      const int64_t at = n * pixels + start, count = std::min(kBlock, pixels - start);
      if (EncodeLabels(labels, at, count, classes, ignore, codes.data()).invalid)
        AddInvalid(codes.data(), at, count, bad);
      body(n, start, count, codes.data());
    }
  });
  if (bad.count > 0) RejectLabels("labels", bad, LabelAt(labels, bad.first), classes);
}

}  // namespace pixelcal::cpu
