// Morphological skeletons on packed words, 64 pixels at a time: O(words) per layer of the mask.
#include "components/centerline.h"

#include <algorithm>
#include <bit>

#include "base/parallel.h"
#include "components/runs.h"
#include "surface/region_masks.h"

namespace pixelcal {
namespace internal {
namespace {

constexpr int64_t kRowsGrain = 64;

// Writes each pixel together with its neighbours in the row: all of them set for kErode, else any. Outside of
// the row they agree.
template <bool kErode>
void AlongRow(const uint64_t* from, int64_t words, int64_t width, uint64_t* to) {
  const uint64_t last = ~uint64_t{0} >> (-width & 63);
  for (int64_t w = 0; w < words; ++w) {
    const uint64_t flip = kErode ? ~uint64_t{0} : 0;
    uint64_t here = from[w] ^ flip;
    if (kErode && w + 1 == words) here &= last;  // nothing beyond the row erodes it
    const uint64_t before = w > 0 ? (from[w - 1] ^ flip) >> 63 : 0;
    uint64_t next = w + 1 < words ? from[w + 1] ^ flip : 0;
    if (kErode && w + 2 == words) next &= last;
    to[w] = (here | here << 1 | before | here >> 1 | next << 63) ^ flip;
    if (w + 1 == words) to[w] &= last;
  }
}

using Bits = std::vector<uint64_t>;

// Calls body(row, rows of the neighbours) for every row and combines with `op` the rows that lie one before
// and after along y, z, or also diagonally.
template <class Op>
void AcrossRows(const Dhw& dhw, const Bits& from, bool diagonal, const Op& op, Bits& to) {
  const int64_t words = (dhw[2] + 63) / 64;
  ParallelFor(dhw[0] * dhw[1], kRowsGrain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t z = row / dhw[1], y = row % dhw[1];
      for (int64_t dz = -1; dz <= 1; ++dz)
        for (int64_t dy = -1; dy <= 1; ++dy) {
          const bool own = dz == 0 && dy == 0, corner = dz != 0 && dy != 0;
          if (own || (corner && !diagonal) || z + dz < 0 || z + dz >= dhw[0] || y + dy < 0 ||
              y + dy >= dhw[1])
            continue;
          const uint64_t* other = from.data() + (row + dz * dhw[1] + dy) * words;
          for (int64_t w = 0; w < words; ++w) op(to[row * words + w], other[w]);
        }
    }
  });
}

template <bool kErode>
void AlongRows(const Dhw& dhw, const Bits& from, Bits& to) {
  const int64_t words = (dhw[2] + 63) / 64;
  ParallelFor(dhw[0] * dhw[1], kRowsGrain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      AlongRow<kErode>(from.data() + row * words, words, dhw[2], to.data() + row * words);
  });
}

}  // namespace

std::vector<uint64_t> Skeleton(const uint64_t* mask, const Dhw& dhw) {
  const auto size = static_cast<size_t>(dhw[0] * dhw[1] * ((dhw[2] + 63) / 64));
  Bits layer(mask, mask + size), skeleton(size), eroded(size), wide(size), opened(size);
  while (std::any_of(layer.begin(), layer.end(), [](uint64_t word) { return word != 0; })) {
    AlongRows<true>(dhw, layer, eroded);
    AcrossRows(
        dhw, layer, false, [](uint64_t& to, uint64_t other) { to &= other; }, eroded);
    AlongRows<false>(dhw, eroded, wide);
    opened = wide;
    AcrossRows(
        dhw, wide, true, [](uint64_t& to, uint64_t other) { to |= other; }, opened);
    for (size_t i = 0; i < size; ++i) skeleton[i] |= layer[i] & ~opened[i];
    if (layer == eroded) break;  // the mask fills the image
    std::swap(layer, eroded);
  }
  return skeleton;
}

}  // namespace internal

namespace cpu {

std::vector<CenterlineCounts> Centerlines(const LabelSpan& predicted, const LabelSpan& labels,
                                          const Grid& grid, const LesionOptions& options) {
  CheckLabelMaps(predicted, labels, grid.Count(), options.classes, options.ignore);
  const Dhw dhw = grid.DepthHeightWidth();
  std::vector<CenterlineCounts> counts;
  const auto shared = [](const std::vector<uint64_t>& skeleton, const uint64_t* mask) {
    int64_t sum = 0;
    for (size_t i = 0; i < skeleton.size(); ++i) sum += std::popcount(skeleton[i] & mask[i]);
    return sum;
  };
  for (int64_t image = 0; image < grid.batch; ++image)
    for (const auto& region : options.regions) {
      const RegionMasks masks =
          PackRegion(predicted, labels, image * grid.Pixels(), dhw, region, options.classes, options.ignore);
      const auto of_predicted = internal::Skeleton(masks.predicted, dhw);
      const auto of_truth = internal::Skeleton(masks.labels, dhw);
      counts.push_back({shared(of_predicted, of_predicted.data()), shared(of_predicted, masks.labels),
                        shared(of_truth, of_truth.data()), shared(of_truth, masks.predicted)});
    }
  return counts;
}

}  // namespace cpu
}  // namespace pixelcal
