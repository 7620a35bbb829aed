// Masks of one bit per pixel, row by row: one instruction compares or expands up to 64 pixels. O(pixels).
#include "morphology/packed_mask.h"

#include <algorithm>

#include "base/error.h"
#include "base/parallel.h"
#include "morphology/packing_loops.h"

namespace pixelcal {
namespace {

constexpr int64_t kChunkPixels = 256 << 10;
constexpr int64_t kStreamingPixels = 16 << 20;  // more than caches keep

struct Rows {
  int64_t count, pixels, words;
};

Rows RowsOf(const Grid& grid) {
  const int64_t pixels = grid.size[static_cast<size_t>(grid.rank - 1)];
  return {grid.Count() / pixels, pixels, (pixels - 1) / 64 + 1};
}

template <class Body>
void ForRows(const Rows& rows, const Body& body) {
  ParallelFor(rows.count, std::max<int64_t>(1, kChunkPixels / rows.pixels), body);
}

}  // namespace

int64_t PackedWords(const Grid& grid) {
  const Rows rows = RowsOf(grid);
  return rows.count * rows.words;
}

void CheckPacked(int64_t words, int64_t pixels, const Grid& grid) {
  Require(pixels == grid.Count(), "mask: expected ", grid.Count(), " pixels, got ", pixels);
  Require(words == PackedWords(grid), "words: expected ", PackedWords(grid), " words, got ", words);
}

namespace cpu {

void PackMask(std::span<const uint8_t> mask, const Grid& grid, std::span<uint64_t> words) {
  CheckPacked(std::ssize(words), std::ssize(mask), grid);
  const Rows rows = RowsOf(grid);
  ForRows(rows, [&](int64_t begin, int64_t end) {
    PackingLoops().pack(mask.data() + begin * rows.pixels, rows.pixels, end - begin, 0, rows.words,
                        words.data() + begin * rows.words);
  });
}

void UnpackMask(std::span<const uint64_t> words, const Grid& grid, std::span<uint8_t> mask) {
  CheckPacked(std::ssize(words), std::ssize(mask), grid);
  const Rows rows = RowsOf(grid);
  const auto& loops = PackingLoops();
  const bool streaming = std::ssize(mask) >= kStreamingPixels;
  ForRows(rows, [&](int64_t begin, int64_t end) {
    (streaming ? loops.unpack_streaming : loops.unpack)(words.data() + begin * rows.words, rows.words,
                                                        rows.pixels, end - begin,
                                                        mask.data() + begin * rows.pixels);
    if (streaming) loops.drain();
  });
}

}  // namespace cpu
}  // namespace pixelcal
