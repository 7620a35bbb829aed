#pragma once

#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

// The loops on binary images as bits: pixel x of a line is bit x % 64 of its word x / 64. Functions that take
// `words` without saying "exactly" round it up to whole vectors: they read and write up to 7 words more.
struct BitsTable {
  // Computes out = a | b | c.
  void (*any3)(const uint64_t* a, const uint64_t* b, const uint64_t* c, int64_t words, uint64_t* out);
  // Computes a | b | c over every bit and its neighbours, xor `flip`; reads from word -1 to word 14 after the
  // last.
  void (*any3x3)(const uint64_t* a, const uint64_t* b, const uint64_t* c, int64_t words, uint64_t flip,
                 uint64_t* out);
  // Computes the same, and that one of those nine bits which is a pixel, by the bits of `pixels`, is clear.
  void (*mixed3x3)(const uint64_t* a, const uint64_t* b, const uint64_t* c, const uint64_t* pixels,
                   int64_t words, uint64_t* out);
  // Computes every bit or one of its neighbours or the bit of `with`, xor `flip`; reads in[-1 .. words].
  void (*spread1)(const uint64_t* in, const uint64_t* with, int64_t words, uint64_t flip, uint64_t* out);
  // Computes in place every bit or the bit `behind` (at least 1) after it.
  void (*or_behind)(uint64_t* bits, int64_t words, int64_t behind);
  // Computes the bits at distances `first` and `second` (either sign) after each, or that of `with`, xor
  // `flip`. `with` may be null.
  void (*or_two)(const uint64_t* in, int64_t first, int64_t second, const uint64_t* with, int64_t words,
                 uint64_t flip, uint64_t* out);
  // Computes exactly `words`; `out` may be an operand: in ^ flip of rows `in_stride` and `out_stride` apart,
  // a | b, a & (b ^ flip).
  void (*copy)(const uint64_t* in, int64_t in_stride, int64_t words, int64_t rows, uint64_t flip,
               int64_t out_stride, uint64_t* out);
  void (*either)(const uint64_t* a, const uint64_t* b, int64_t words, uint64_t* out);
  void (*both)(const uint64_t* a, const uint64_t* b, uint64_t flip, int64_t words, uint64_t* out);
  // Returns the number of bits of a & b in exactly `words`.
  int64_t (*count)(const uint64_t* a, const uint64_t* b, int64_t words);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::BitsTable, kBits, BitsLoops)

}  // namespace pixelcal
