// The skeleton that openings define is where the depth, the steps to the nearest pixel outside by faces, is
// not exceeded by any of the 3^d neighbours: pixel x leaves the opening of erosion k when its depth is above
// k and no neighbour's is above k + 1, which holds for some k if its depth is the largest. O(pixels),
// whatever the thickness, in the box around the mask.
#include "components/centerline.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <memory>

#include "base/parallel.h"
#include "components/crest_loops.h"
#include "morphology/bit_loops.h"
#include "surface/region_masks.h"

namespace pixelcal {
namespace internal {
namespace {

constexpr int64_t kRowsGrain = 64;

// The part of an image in which a mask has pixels, with one more pixel on every side that the image has;
// columns in whole words.
struct Box {
  std::array<int64_t, 2> z, y, word;

  int64_t Depth() const { return z[1] - z[0]; }
  int64_t Height() const { return y[1] - y[0]; }
  int64_t Rows() const { return Depth() * Height(); }
  int64_t Words() const { return word[1] - word[0]; }
};

void Include(std::array<int64_t, 2>& range, int64_t at) {
  range = {std::min(range[0], at), std::max(range[1], at + 1)};
}

std::array<int64_t, 2> Widened(const std::array<int64_t, 2>& range, int64_t size) {
  return {std::max<int64_t>(0, range[0] - 1), std::min(size, range[1] + 1)};
}

Box BoxOf(const uint64_t* mask, const Dhw& dhw, int64_t words) {
  constexpr auto kMost = std::numeric_limits<int64_t>::max();
  Box box{{kMost, 0}, {kMost, 0}, {kMost, 0}};
  for (int64_t row = 0; row < dhw[0] * dhw[1]; ++row) {
    const uint64_t* from = mask + row * words;
    int64_t first = 0, last = words;
    while (first < words && from[first] == 0) ++first;
    if (first == words) continue;
    while (from[last - 1] == 0) --last;
    Include(box.z, row / dhw[1]);
    Include(box.y, row % dhw[1]);
    Include(box.word, first);
    Include(box.word, last - 1);
  }
  return {Widened(box.z, dhw[0]), Widened(box.y, dhw[1]), Widened(box.word, words)};
}

// Writes the depths along a row of the mask: `far` where no pixel of the row is outside.
template <class T>
void AlongRow(const uint64_t* mask, int64_t width, T far, T* to) {
  const auto next = [&](int64_t from, uint64_t flip) {
    for (int64_t at = from; at < width; at = at / 64 * 64 + 64) {
      const uint64_t rest = (mask[at / 64] ^ flip) >> (at % 64);
      if (rest != 0) return std::min(at + std::countr_zero(rest), width);
    }
    return width;
  };
  std::fill_n(to, width, T{0});
  for (int64_t start = next(0, 0); start < width;) {
    const int64_t end = next(start, ~uint64_t{0});
    const bool left = start > 0, right = end < width;
    if (!left && !right) {
      std::fill_n(to, width, far);
      return;
    }
    // Up to the middle the left end is nearer.
    const int64_t middle = !left ? start : !right ? end : start + (end - start + 1) / 2;
    T depth = 0;
    for (int64_t i = start; i < middle; ++i) to[i] = ++depth;
    depth = static_cast<T>(end - middle);
    for (int64_t i = middle; i < end; ++i) to[i] = depth--;
    start = next(end, 0);
  }
}

template <class T>
class Crests {
 public:
  Crests(const uint64_t* mask, const Dhw& dhw, int64_t words, const Box& box, const simd::CrestRows<T>& loops)
      : mask_(mask),
        dhw_(dhw),
        words_(words),
        box_(box),
        loops_(loops),
        width_(std::min(dhw[2], box.word[1] * 64) - box.word[0] * 64),
        depths_(std::make_unique_for_overwrite<T[]>(static_cast<size_t>(2 * box.Rows() * width_))),
        spread_(depths_.get() + box.Rows() * width_) {}

  void Write(std::vector<uint64_t>& skeleton) {
    const int64_t height = box_.Height();
    // Larger than any depth, with room for one more.
    const T far = static_cast<T>(box_.Depth() + height + width_);
    ParallelFor(box_.Rows(), kRowsGrain, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) AlongRow(mask_ + FirstWord(row), width_, far, Row(row));
    });
    ParallelFor(box_.Depth(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t z = begin; z < end; ++z) Sweep(z * height, height, 1);
    });
    ParallelFor(height, kRowsGrain, [&](int64_t begin, int64_t end) {
      for (int64_t y = begin; y < end; ++y) Sweep(y, box_.Depth(), height);
    });
    ParallelFor(box_.Rows(), kRowsGrain, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) loops_.spread(Row(row), Width(), spread_ + row * width_);
    });
    ParallelFor(box_.Rows(), kRowsGrain, [&](int64_t begin, int64_t end) {
      std::vector<T> largest(Width());
      for (int64_t row = begin; row < end; ++row) {
        std::copy_n(spread_ + row * width_, width_, largest.data());
        ForNeighbours(
            row, [&](int64_t other) { loops_.raise(spread_ + other * width_, Width(), largest.data()); });
        loops_.mark(Row(row), largest.data(), Width(), skeleton.data() + FirstWord(row));
      }
    });
  }

 private:
  size_t Width() const { return static_cast<size_t>(width_); }
  T* Row(int64_t row) { return depths_.get() + row * width_; }
  int64_t FirstWord(int64_t row) const {
    const int64_t z = box_.z[0] + row / box_.Height(), y = box_.y[0] + row % box_.Height();
    return (z * dhw_[1] + y) * words_ + box_.word[0];
  }
  // Limits the depths of `count` rows, `stride` apart, by each other, forth and back.
  void Sweep(int64_t first, int64_t count, int64_t stride) {
    for (int64_t i = 1; i < count; ++i)
      loops_.limit(Row(first + (i - 1) * stride), Width(), Row(first + i * stride));
    for (int64_t i = count - 2; i >= 0; --i)
      loops_.limit(Row(first + (i + 1) * stride), Width(), Row(first + i * stride));
  }
  template <class Body>
  void ForNeighbours(int64_t row, const Body& body) const {
    const int64_t height = box_.Height(), z = row / height, y = row % height;
    for (int64_t dz = -1; dz <= 1; ++dz)
      for (int64_t dy = -1; dy <= 1; ++dy) {
        const bool inside = z + dz >= 0 && z + dz < box_.Depth() && y + dy >= 0 && y + dy < height;
        if (inside && (dz != 0 || dy != 0)) body(row + dz * height + dy);
      }
  }

  const uint64_t* mask_;
  const Dhw& dhw_;
  const int64_t words_;
  const Box& box_;
  const simd::CrestRows<T>& loops_;
  const int64_t width_;
  const std::unique_ptr<T[]> depths_;
  T* const spread_;
};

}  // namespace

std::vector<uint64_t> Skeleton(const uint64_t* mask, const Dhw& dhw) {
  const int64_t words = (dhw[2] + 63) / 64, size = dhw[0] * dhw[1] * words;
  std::vector<uint64_t> skeleton(static_cast<size_t>(size));
  const int64_t pixels = BitsLoops().count(mask, mask, size);
  // A mask that fills the image is its own erosion, and an opening takes nothing from it.
  if (pixels == 0 || pixels == dhw[0] * dhw[1] * dhw[2]) return skeleton;
  const Box box = BoxOf(mask, dhw, words);
  const simd::CrestTable& loops = CrestLoops();
  if (box.Depth() + box.Height() + box.Words() * 64 < std::numeric_limits<uint16_t>::max())
    Crests<uint16_t>(mask, dhw, words, box, loops.narrow).Write(skeleton);
  else
    Crests<uint32_t>(mask, dhw, words, box, loops.wide).Write(skeleton);
  return skeleton;
}

}  // namespace internal

namespace cpu {

CenterlineCounts CenterlinesOf(const RegionMasks& masks, const Dhw& dhw) {
  const auto shared = [](const std::vector<uint64_t>& skeleton, const uint64_t* mask) {
    return BitsLoops().count(skeleton.data(), mask, std::ssize(skeleton));
  };
  std::vector<uint64_t> of_predicted, of_truth;
  ParallelFor(2, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      (i == 0 ? of_predicted : of_truth) = internal::Skeleton(i == 0 ? masks.predicted : masks.labels, dhw);
  });
  return {shared(of_predicted, of_predicted.data()), shared(of_predicted, masks.labels),
          shared(of_truth, of_truth.data()), shared(of_truth, masks.predicted)};
}

std::vector<CenterlineCounts> Centerlines(const LabelSpan& predicted, const LabelSpan& labels,
                                          const Grid& grid, const LesionOptions& options) {
  CheckLabelMaps(predicted, labels, grid.Count(), options.classes, options.ignore);
  const Dhw dhw = grid.DepthHeightWidth();
  std::vector<CenterlineCounts> counts;
  for (int64_t image = 0; image < grid.batch; ++image)
    for (const auto& region : options.regions)
      counts.push_back(CenterlinesOf(
          PackRegion(predicted, labels, image * grid.Pixels(), dhw, region, options.classes, options.ignore),
          dhw));
  return counts;
}

}  // namespace cpu
}  // namespace pixelcal
