#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "labels/bad_pixels.h"

namespace pixelcal::cpu {

// Adds the pixels of a block, which starts at pixel `at`, with a NaN in any class; row(c) is the block's row
// of class c.
template <class RowOf>
void AddNanPixels(const RowOf& row, int64_t classes, int64_t at, int64_t count, BadPixels& bad) {
  std::vector<bool> is_nan(static_cast<size_t>(count));
  for (int64_t c = 0; c < classes; ++c) {
    const float* p = row(c);
    for (int64_t i = 0; i < count; ++i)
      if (p[i] != p[i]) is_nan[static_cast<size_t>(i)] = true;
  }
  for (int64_t i = 0; i < count; ++i)
    if (is_nan[static_cast<size_t>(i)]) bad.Add(at + i);
}

inline void RejectNanPixels(const char* argument, const BadPixels& bad) {
  Require(bad.count == 0, argument, ": NaN at pixel ", bad.first.load(), " (", bad.count.load(),
          " such pixels)");
}

}  // namespace pixelcal::cpu
