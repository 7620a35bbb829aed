#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "base/error.h"

namespace pixelcal {

inline constexpr int64_t kMaxClasses = 32767;

// The pixels a kernel refuses, counted by any number of threads: how many, and the first.
struct BadPixels {
  std::atomic<int64_t> count{0};
  std::atomic<int64_t> first{std::numeric_limits<int64_t>::max()};

  void Add(int64_t pixel) {
    ++count;
    int64_t seen = first;
    while (pixel < seen && !first.compare_exchange_weak(seen, pixel)) {
    }
  }
};

[[noreturn]] inline void RejectLabels(const char* argument, const BadPixels& bad, int64_t value,
                                      int64_t classes) {
  Require(false, argument, ": expected classes 0 to ", classes - 1, ", got ", value, " at pixel ",
          bad.first.load(), " (", bad.count.load(), " such pixels)");
  __builtin_unreachable();
}

}  // namespace pixelcal
