#pragma once

// Masks as bits on the device: pixel x of a row is bit x % 32 of its word x / 32.

#include "cuda/launch.h"
#include "cuda/stream.h"

namespace pixelcal::cuda {

// Rows of all masks of a grid as words.
struct BitRows {
  int64_t rows, width, words;  // words per row
  int64_t Count() const { return rows * words; }
};

// Returns the layout with as few words as hold the pixels, that of morphology/packed_mask.h.
BitRows TightRows(const Grid& grid);
BitRows PackedRows(const Grid& grid);

// Packs the nonzero pixels, xor `flip`; unused bits of a row's last word are 0.
void PackRows(Stream& stream, const uint8_t* masks, const BitRows& shape, bool flip, unsigned* out);

// Writes (a xor flip_a) and (b xor flip_b), as 0 and 1; without b the first alone.
void UnpackRows(Stream& stream, const unsigned* a, bool flip_a, const unsigned* b, bool flip_b,
                const BitRows& shape, uint8_t* out);
// Combines the same bits without unpacking, into another number of words per row; unused bits of a row's last
// word are 0.
void CombineRows(Stream& stream, const unsigned* a, bool flip_a, const unsigned* b, bool flip_b,
                 const BitRows& shape, const BitRows& to, unsigned* out);

}  // namespace pixelcal::cuda
