#pragma once

#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

// The loops between masks of bytes and of bits: pixel x of a line is bit x % 64 of its word x / 64.
struct PackingTable {
  // Packs the nonzero pixels of `rows` rows of `count`, xor `flip`; the rows' words lie `stride` apart.
  // Unused bits of a row's last word are undefined.
  void (*pack)(const uint8_t* pixels, int64_t count, int64_t rows, uint64_t flip, int64_t stride,
               uint64_t* words);
  // Unpack to 0 and 1. The streaming form bypasses the caches: call `drain` before other threads may read the
  // pixels.
  void (*unpack)(const uint64_t* words, int64_t stride, int64_t count, int64_t rows, uint8_t* pixels);
  void (*unpack_streaming)(const uint64_t* words, int64_t stride, int64_t count, int64_t rows,
                           uint8_t* pixels);
  void (*drain)();
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::PackingTable, kPacking, PackingLoops)

}  // namespace pixelcal
