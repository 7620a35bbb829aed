// Masks of one bit per pixel on the device: a warp's vote makes a word of 32 pixels, a thread expands each
// pixel. O(pixels). Run on the emulator only.
#include "morphology/cuda_bit_rows.h"
#include "morphology/packed_mask.h"

namespace pixelcal::cuda {
namespace {

__global__ void PackBits(const uint8_t* mask, BitRows shape, bool flip, unsigned* out) {
  const int lane = threadIdx.x % kWarp;
  const int64_t warps = static_cast<int64_t>(gridDim.x) * (blockDim.x / kWarp);
  for (int64_t word = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
       word < shape.rows * shape.words; word += warps) {
    const int64_t x = word % shape.words * kWarp + lane;
    const bool set = x < shape.width && (mask[word / shape.words * shape.width + x] != 0) != flip;
    const unsigned bits = __ballot_sync(kAllLanes, set);
    if (lane == 0) out[word] = bits;
  }
}

__global__ void UnpackBits(const unsigned* a, bool flip_a, const unsigned* b, bool flip_b, BitRows shape,
                           uint8_t* out) {
  ForItems(shape.rows * shape.width, [&](int64_t i) {
    const int64_t x = i % shape.width, word = i / shape.width * shape.words + x / kWarp;
    const int bit = static_cast<int>(x % kWarp);
    bool set = ((a[word] >> bit & 1) != 0) != flip_a;
    if (b) set = set && ((b[word] >> bit & 1) != 0) != flip_b;
    out[i] = set;
  });
}

__global__ void CombineBits(const unsigned* a, bool flip_a, const unsigned* b, bool flip_b, BitRows shape,
                            BitRows to, unsigned* out) {
  ForItems(to.rows * to.words, [&](int64_t i) {
    const int64_t at = i % to.words, from = i / to.words * shape.words + at;
    const int64_t left = to.width - at * kWarp;  // pixels from this word on
    unsigned word = 0;
    if (left > 0) {
      word = flip_a ? ~a[from] : a[from];
      if (b) word &= flip_b ? ~b[from] : b[from];
      if (left < kWarp) word &= (1u << left) - 1;
    }
    out[i] = word;
  });
}

}  // namespace

BitRows TightRows(const Grid& grid) {
  const int64_t width = grid.size[static_cast<size_t>(grid.rank - 1)];
  return {grid.Count() / width, width, (width - 1) / kWarp + 1};
}

BitRows PackedRows(const Grid& grid) {
  BitRows rows = TightRows(grid);
  rows.words = (rows.width - 1) / 64 * 2 + 2;
  return rows;
}

void PackRows(Stream& stream, const uint8_t* masks, const BitRows& shape, bool flip, unsigned* out) {
  LaunchItems("PackBits", PackBits, shape.Count() * kWarp, stream, masks, shape, flip, out);
}

void UnpackRows(Stream& stream, const unsigned* a, bool flip_a, const unsigned* b, bool flip_b,
                const BitRows& shape, uint8_t* out) {
  LaunchItems("UnpackBits", UnpackBits, shape.rows * shape.width, stream, a, flip_a, b, flip_b, shape, out);
}

void CombineRows(Stream& stream, const unsigned* a, bool flip_a, const unsigned* b, bool flip_b,
                 const BitRows& shape, const BitRows& to, unsigned* out) {
  LaunchItems("CombineBits", CombineBits, to.Count(), stream, a, flip_a, b, flip_b, shape, to, out);
}

void PackMask(std::span<const uint8_t> mask, const Grid& grid, std::span<uint64_t> words) {
  CheckPacked(std::ssize(words), std::ssize(mask), grid);
  const int64_t pixels = grid.Pixels(), image_words = PackedWords(grid) / grid.batch;
  ForPieces(grid, HostBytes(mask) + HostBytes(words), [&](Stream& stream, int64_t first, const Grid& piece) {
    uint64_t* to = stream.Out(Part(words, first * image_words, piece.batch * image_words));
    PackRows(stream, stream.In(Part(mask, first * pixels, piece.batch * pixels)), PackedRows(piece), false,
             reinterpret_cast<unsigned*>(to));
  });
}

void UnpackMask(std::span<const uint64_t> words, const Grid& grid, std::span<uint8_t> mask) {
  CheckPacked(std::ssize(words), std::ssize(mask), grid);
  const int64_t pixels = grid.Pixels(), image_words = PackedWords(grid) / grid.batch;
  ForPieces(grid, HostBytes(words) + HostBytes(mask), [&](Stream& stream, int64_t first, const Grid& piece) {
    const uint64_t* from = stream.In(Part(words, first * image_words, piece.batch * image_words));
    UnpackRows(stream, reinterpret_cast<const unsigned*>(from), false, nullptr, false, PackedRows(piece),
               stream.Out(Part(mask, first * pixels, piece.batch * pixels)));
  });
}

}  // namespace pixelcal::cuda
