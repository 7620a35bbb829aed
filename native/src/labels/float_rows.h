#pragma once

#include <cstdint>

#include "base/span.h"
#include "labels/pixel_rows_loops.h"

namespace pixelcal::cpu {

// Returns values[at] to values[at + count - 1] as float32: in place, or widened into `room`.
inline const float* FloatsAt(const FloatSpan& values, int64_t at, int64_t count, float* room) {
  if (const auto* wide = std::get_if<std::span<const float>>(&values)) return wide->data() + at;
  PixelRowsLoops().widen(std::get<std::span<const uint16_t>>(values).data() + at, count, room);
  return room;
}

}  // namespace pixelcal::cpu
