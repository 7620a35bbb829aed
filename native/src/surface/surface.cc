// Surfaces of masks on bits, 64 pixels per word: one read of the mask packs it, and all later steps look only
// at the box around both masks. Surface pixels are the internal gradient with zeros outside. O(pixels).
#include "surface/surface.h"

#include <algorithm>

#include "base/parallel.h"
#include "base/scratch.h"
#include "morphology/bit_loops.h"
#include "morphology/morphology.h"
#include "morphology/packed_mask.h"
#include "morphology/packing_loops.h"
#include "surface/corner_codes_loops.h"

namespace pixelcal {
namespace {

constexpr int64_t kRowsAtOnce = 512;

int64_t WordsOf(int64_t pixels) { return (pixels + 63) / 64; }

// The tag of scratch that both kinds of surface share.
struct MaskCrop;
struct IgnoredCrop;
struct SurfaceBits;
struct SurfaceCodes;

template <class Tag, Side kSide>
struct OfSide;

// Returns scratch by side, valid until the next call with the same tag for that side.
template <class T, class Tag>
T* SideScratch(Side side, int64_t count) {
  return side == Side::kA ? Scratch<T, OfSide<Tag, Side::kA>>(static_cast<size_t>(count))
                          : Scratch<T, OfSide<Tag, Side::kB>>(static_cast<size_t>(count));
}

// Returns the box's part of the mask, again as packed rows.
template <class Tag>
uint64_t* Crop(const uint64_t* mask, const Dhw& dhw, const Box& box) {
  const Dhw extent = box.Extent();
  const int64_t from_words = WordsOf(dhw[2]), words = WordsOf(extent[2]), rows = extent[0] * extent[1];
  const int64_t whole = box.first[2] >> 6, rest = box.first[2] & 63;
  const uint64_t pixels = ~uint64_t{0} >> (-extent[2] & 63);
  auto* crop = Scratch<uint64_t, Tag>(static_cast<size_t>(rows * words));
  ParallelFor(rows, kRowsAtOnce, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t z = box.first[0] + row / extent[1], y = box.first[1] + row % extent[1];
      const uint64_t* from = mask + (z * dhw[1] + y) * from_words + whole;
      uint64_t* to = crop + row * words;
      for (int64_t i = 0; i < words; ++i) to[i] = from[i] >> rest | from[i + 1] << 1 << (63 - rest);
      to[words - 1] &= pixels;
    }
  });
  return crop;
}

// Computes the codes of all corners, `size` of them, of a packed mask.
void CornerCodes(const uint64_t* mask, const Dhw& extent, const Dhw& size, uint8_t* code) {
  const auto& loops = CornerCodesLoops();
  const int64_t deep = size[0] - extent[0];
  // A border of zeros makes every window of 2^rank pixels the window of a corner.
  const Dhw padded{extent[0] + 2 * deep, extent[1] + 2, extent[2] + 2};
  const int64_t plane = padded[1] * padded[2], words = WordsOf(extent[2]);
  auto* pixels = Scratch<uint8_t, struct PaddedPixels>(static_cast<size_t>(padded[0] * plane));
  ParallelFor(padded[0] * padded[1], kRowsAtOnce, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      uint8_t* to = pixels + row * padded[2];
      const int64_t z = row / padded[1] - deep, y = row % padded[1] - 1;
      if (z < 0 || z >= extent[0] || y < 0 || y >= extent[1]) {
        std::fill_n(to, padded[2], uint8_t{0});
        continue;
      }
      to[0] = to[padded[2] - 1] = 0;
      PackingLoops().unpack(mask + (z * extent[1] + y) * words, words, extent[2], 1, to + 1);
    }
  });
  ParallelFor(size[0] * size[1], kRowsAtOnce, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const uint8_t* from = pixels + row / size[1] * plane + row % size[1] * padded[2];
      loops.corner_codes(from, padded[2], deep == 1 ? plane : 0, size[2], code + row * size[2]);
    }
  });
}

}  // namespace

Grid GridOf(const Dhw& size, int rank) {
  return MakeGrid(1, std::span<const int64_t>(size).subspan(static_cast<size_t>(3 - rank)));
}

const uint64_t* PackImage(const uint8_t* mask, const Dhw& dhw, Side side) {
  const Grid grid = GridOf(dhw, 3);
  const auto words = static_cast<size_t>(PackedWords(grid));
  uint64_t* bits = SideScratch<uint64_t, struct ImageBits>(side, static_cast<int64_t>(words) + 1);
  cpu::PackMask({mask, static_cast<size_t>(grid.Pixels())}, grid, {bits, words});
  return bits;
}

bool GrowBox(const uint64_t* mask, const Dhw& dhw, Box& box) {
  const int64_t words = WordsOf(dhw[2]);
  auto* column = Scratch<uint64_t, struct ColumnBits>(static_cast<size_t>(words));
  std::fill_n(column, words, 0);
  bool found = false;
  for (int64_t z = 0; z < dhw[0]; ++z) {
    for (int64_t y = 0; y < dhw[1]; ++y, mask += words) {
      uint64_t any = 0;
      for (int64_t i = 0; i < words; ++i) {
        any |= mask[i];
        column[i] |= mask[i];
      }
      if (any == 0) continue;
      found = true;
      box.first = {std::min(box.first[0], z), std::min(box.first[1], y), box.first[2]};
      box.last = {std::max(box.last[0], z), std::max(box.last[1], y), box.last[2]};
    }
  }
  for (int64_t x = 0; found && x < dhw[2]; ++x) {
    if ((column[x >> 6] >> (x & 63) & 1) == 0) continue;
    box.first[2] = std::min(box.first[2], x);
    box.last[2] = std::max(box.last[2], x);
  }
  return found;
}

void WidenBox(const Dhw& dhw, Box& box) {
  for (size_t axis = 0; axis < 3; ++axis) {
    box.first[axis] = std::max<int64_t>(box.first[axis] - 1, 0);
    box.last[axis] = std::min(box.last[axis] + 1, dhw[axis] - 1);
  }
}

Surface SurfacePixels(const uint64_t* mask, const uint64_t* ignored, const Dhw& dhw, const Box& box, int rank,
                      bool full, Side side) {
  const uint64_t* crop = Crop<MaskCrop>(mask, dhw, box);
  const Dhw extent = box.Extent();
  const Grid grid = GridOf(extent, rank);
  const auto words = static_cast<size_t>(PackedWords(grid));
  const uint64_t* filled = crop;  // the mask with the ignored pixels, to which it has no border
  if (ignored) {
    uint64_t* both = Crop<IgnoredCrop>(ignored, dhw, box);
    BitsLoops().either(crop, both, static_cast<int64_t>(words), both);
    filled = both;
  }
  uint64_t* bits = SideScratch<uint64_t, SurfaceBits>(side, static_cast<int64_t>(words));
  MorphologyOptions options;
  options.op = MorphologyOp::kInternalGradient;
  options.structure = full ? Structure::kBox : Structure::kCross;
  options.border = MorphologyBorder::kZero;
  cpu::PackedMorphology({filled, words}, grid, options, {bits, words});
  if (ignored) BitsLoops().both(bits, crop, 0, static_cast<int64_t>(words), bits);
  uint8_t* code = SideScratch<uint8_t, SurfaceCodes>(side, grid.Pixels());
  cpu::UnpackMask({bits, words}, grid, {code, static_cast<size_t>(grid.Pixels())});
  return {extent, bits, code};
}

Surface SurfaceCorners(const uint64_t* mask, const uint64_t* ignored, const Dhw& dhw, const Box& box,
                       int rank, Side side) {
  const Dhw extent = box.Extent();
  const int64_t deep = rank == 3 ? 1 : 0;
  const Dhw size{extent[0] + deep, extent[1] + 1, extent[2] + 1};
  const Grid grid = GridOf(size, rank);
  const int64_t places = grid.Pixels();
  uint64_t* crop = Crop<MaskCrop>(mask, dhw, box);
  uint8_t* code = SideScratch<uint8_t, SurfaceCodes>(side, places);
  CornerCodes(crop, extent, size, code);
  if (ignored) {
    // Where all pixels that count are inside there is no surface: with the ignored ones all agree.
    BitsLoops().either(crop, Crop<IgnoredCrop>(ignored, dhw, box), extent[0] * extent[1] * WordsOf(extent[2]),
                       crop);
    auto* filled = Scratch<uint8_t, struct FilledCodes>(static_cast<size_t>(places));
    CornerCodes(crop, extent, size, filled);
    for (int64_t i = 0; i < places; ++i) code[i] = filled[i] == 0 ? 0 : code[i];
  }
  const auto words = static_cast<size_t>(PackedWords(grid));
  uint64_t* bits = SideScratch<uint64_t, SurfaceBits>(side, static_cast<int64_t>(words));
  cpu::PackMask({code, static_cast<size_t>(places)}, grid, {bits, words});
  return {size, bits, code};
}

}  // namespace pixelcal
