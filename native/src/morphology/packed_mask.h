#pragma once

#include <cstdint>
#include <span>

#include "base/shape.h"

namespace pixelcal {

// Returns the words of a packed mask: pixel x of a row along the last axis is bit x % 64 of the row's word x
// / 64; every row starts a new word, and unused bits of its last word are 0.
int64_t PackedWords(const Grid& grid);

// Throws unless a mask of the grid has `pixels` pixels and, packed, `words` words.
void CheckPacked(int64_t words, int64_t pixels, const Grid& grid);

namespace cpu {

// Packs a mask; nonzero pixels become 1.
void PackMask(std::span<const uint8_t> mask, const Grid& grid, std::span<uint64_t> words);
// Unpacks to 0 and 1.
void UnpackMask(std::span<const uint64_t> words, const Grid& grid, std::span<uint8_t> mask);

}  // namespace cpu

namespace cuda {

void PackMask(std::span<const uint8_t> mask, const Grid& grid, std::span<uint64_t> words);
void UnpackMask(std::span<const uint64_t> words, const Grid& grid, std::span<uint8_t> mask);

}  // namespace cuda
}  // namespace pixelcal
