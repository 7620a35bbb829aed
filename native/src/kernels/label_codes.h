#pragma once

#include <cstdint>
#include <optional>

#include "simd/pixel_rows.h"
#include "span.h"

namespace pixelcal::cpu {

// The codes of labels[at] to labels[at + count - 1]: the class, simd::kLeftOut where the label is `ignore`,
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

}  // namespace pixelcal::cpu
