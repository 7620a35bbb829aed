// Calibration by distance to the segmentation's boundary in three passes: segments from probabilities (or
// labels, or an arg-max that is at hand), distances to them (distance/class_distances.cc) as far as the last
// ring, then the sums of every group. O(classes x pixels) time, and as much memory as the distances.
#include "calibration/boundary_calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/scratch.h"
#include "calibration/bin_limits.h"
#include "calibration/boundary_loops.h"
#include "calibration/exact_sum.h"
#include "calibration/exact_units.h"
#include "calibration/probability_block.h"
#include "distance/class_distances.h"
#include "labels/pixel_rows_loops.h"

namespace pixelcal {
namespace cpu {
namespace {

using internal::Extent;

constexpr float kFar = std::numeric_limits<float>::infinity();
constexpr int64_t kFlushBlocks = 64;
static_assert(kFlushBlocks * kBlockPixels <= int64_t{1} << 17);  // whose log losses fit 64 bits

// The place of a block in its image.
struct Place {
  int64_t image, pixel;
  Place(const ProbabilityBlock& block, const ProbabilityMaps& maps)
      : image(block.start / (maps.classes * maps.pixels)),
        pixel(block.start % (maps.classes * maps.pixels)) {}
};

// The arg-max of every pixel of probabilities that were checked, if it is at hand.
using Winners = std::optional<LabelSpan>;

// Writes the segments of all pixels, left-out ones as `segments`, and checks all values.
template <class Segment>
void FindSegments(const ProbabilityMaps& maps, const BoundaryCalibrationOptions& options,
                  const Winners& winners, int64_t segments, Segment* out) {
  const simd::PixelRowsTable& loops = PixelRowsLoops();
  const auto find = [&](int64_t, BlockReader& reader) {
    alignas(64) std::array<float, kBlockPixels> room, best;
    alignas(64) std::array<int16_t, kBlockPixels> winner;
    while (const ProbabilityBlock* block = reader.Next()) {
      const auto copy = [&](auto from) {
        std::transform(from.data() + block->at, from.data() + block->at + block->count, winner.data(),
                       [](auto c) { return static_cast<int16_t>(c); });
      };
      if (winners) std::visit(copy, *winners);
      for (int64_t c = 0; c < maps.classes && !options.label_boundary && !winners; ++c)
        loops.take_larger(block->Row(c, room.data()), block->count, static_cast<int16_t>(c), best.data(),
                          winner.data());
      const int16_t* from = options.label_boundary ? block->codes.data() : winner.data();
      const Place place(*block, maps);
      Segment* to = out + place.image * maps.pixels + place.pixel;
      for (int64_t i = 0; i < block->count; ++i) {
        const int32_t code = from[i];
        const int32_t segment = options.score == Score::kForeground ? code != 0
                                : options.only >= 0                 ? code == options.only
                                                                    : code;
        to[i] = static_cast<Segment>(block->codes[i] < 0 ? segments : segment);
      }
    }
  };
  ForChunks(maps, 8, find, winners ? MapValues::kAny : MapValues::kProbabilities);
}

using simd::RingCell;
using simd::RingLoss;

struct Totals {
  std::vector<uint64_t> count, hits, impossible;
  std::vector<FixedTotal> confidence, log_loss;
  Totals(size_t cells, size_t rings)
      : count(cells), hits(cells), impossible(rings), confidence(cells), log_loss(rings) {}
};

struct RingCells;
struct RingLosses;

template <class Segment>
class Adder {
 public:
  Adder(const ProbabilityMaps& maps, const BoundaryCalibrationOptions& options, const Segment* segment,
        const float* distances, const Extent* extents, Totals& totals)
      : maps_(maps),
        options_(options),
        segments_(internal::BoundarySegments(options, maps.classes)),
        groups_(internal::BoundaryGroups(options, maps.classes)),
        edges_(std::ssize(options.rings)),
        segment_(segment),
        distances_(distances),
        extents_(extents),
        table_(options.edges, {options.score, options.closed, options.bins, options.edges}),
        limits_(internal::RingLimits(options.rings)),
        totals_(totals) {}

  void Run() {
    const size_t rings = static_cast<size_t>(groups_ * (edges_ + 1)), cells = rings * Bins();
    std::mutex mutex;
    ForChunks(
        maps_, kFlushBlocks,
        [&](int64_t, BlockReader& reader) {
          RingCell* own = Scratch<RingCell, RingCells>(cells);
          RingLoss* losses = Scratch<RingLoss, RingLosses>(rings);
          std::fill_n(own, cells, RingCell{});
          std::fill_n(losses, rings, RingLoss{});
          const auto flush = [&] {
            const std::lock_guard lock(mutex);
            for (size_t i = 0; i < cells; ++i) {
              totals_.count[i] += own[i].count;
              totals_.hits[i] += own[i].hits;
              totals_.confidence[i].Add(own[i].confidence);
            }
            for (size_t i = 0; i < rings; ++i) {
              totals_.log_loss[i].Add(losses[i].units);
              totals_.impossible[i] += losses[i].impossible;
            }
            std::fill_n(own, cells, RingCell{});
            std::fill_n(losses, rings, RingLoss{});
          };
          int64_t blocks = 0;
          while (const ProbabilityBlock* block = reader.Next()) {
            AddBlock(*block, own, losses);
            if (++blocks % kFlushBlocks == 0) flush();
          }
          flush();
        },
        MapValues::kAny);  // FindSegments has checked them
  }

 private:
  size_t Bins() const { return static_cast<size_t>(options_.bins); }

  // A group's values of a block's pixels: the score, whether it is a hit, the probability of what is the
  // case, and the distance.
  struct Rows {
    alignas(64) std::array<float, kBlockPixels> p, distance;
    std::array<double, kBlockPixels> of_case;
    std::array<int16_t, kBlockPixels> hit;
  };

  void AddBlock(const ProbabilityBlock& block, RingCell* cells, RingLoss* losses) const {
    const Place place(block, maps_);
    const Segment* segment = segment_ + place.image * maps_.pixels + place.pixel;
    alignas(64) std::array<float, kBlockPixels> room, near;
    if constexpr (sizeof(Segment) == 1)
      if (options_.score == Score::kTopLabel && maps_.classes == 2) {
        const simd::RingPair pixels{block.Row(0, room.data()), block.Row(1, near.data()),
                                    block.codes.data(),        segment,
                                    Distances(place, 0),       Distances(place, 1)};
        return loops_.add_pair(pixels, static_cast<size_t>(block.count), limits_.data(), edges_,
                               table_.Limits(), cells, losses);
      }
    Rows rows;
    std::fill_n(near.data(), block.count, kFar);
    for (int32_t s = 0; s < segments_; ++s) {
      const float* to = Distances(place, s);
      if (to) TakeNearer(segment, s, to, static_cast<size_t>(block.count), near.data());
    }
    for (int64_t group = 0; group < groups_; ++group) {
      const bool one_class = options_.score == Score::kClasses;
      const int32_t own = one_class && options_.only < 0 ? static_cast<int32_t>(group) : 1;
      if (one_class)
        ReadClass(block, options_.only < 0 ? group : options_.only, room.data(), rows);
      else if (options_.score == Score::kForeground)
        ReadForeground(block, room.data(), rows);
      else
        ReadTopLabel(block, room.data(), rows);
      const float* to = Distances(place, own);
      for (int64_t i = 0; i < block.count; ++i) {
        const bool inside = one_class ? segment[i] == own : segment[i] != 0;
        rows.distance[i] = inside ? -near[i] : !one_class ? near[i] : to ? to[i] : kFar;
      }
      AddRows(block, rows, cells + static_cast<size_t>(group * (edges_ + 1)) * Bins(),
              losses + group * (edges_ + 1));
    }
  }

  void TakeNearer(const Segment* segment, int32_t s, const float* to, size_t count, float* near) const {
    if constexpr (sizeof(Segment) == 1)
      loops_.take_nearer(segment, s, to, count, near);
    else
      loops_.take_nearer_of_many(segment, s, to, count, near);
  }

  // Returns the distances to a segment from a place on, or null if the image has no pixel of it, or no other.
  const float* Distances(const Place& place, int64_t s) const {
    const int64_t map = place.image * segments_ + s;
    return extents_[map] == Extent::kPart ? distances_ + map * maps_.pixels + place.pixel : nullptr;
  }

  static void ReadClass(const ProbabilityBlock& block, int64_t c, float* room, Rows& rows) {
    const float* row = block.Row(c, room);
    for (int64_t i = 0; i < block.count; ++i) {
      rows.p[i] = row[i];
      rows.hit[i] = block.codes[i] == c;
      rows.of_case[i] = rows.hit[i] ? row[i] : 1.0 - row[i];
    }
  }
  static void ReadForeground(const ProbabilityBlock& block, float* room, Rows& rows) {
    const float* background = block.Row(0, room);
    for (int64_t i = 0; i < block.count; ++i) {
      rows.p[i] = 1.0f - background[i];
      rows.hit[i] = block.codes[i] != 0;
      rows.of_case[i] = rows.hit[i] ? 1.0 - background[i] : background[i];
    }
  }
  void ReadTopLabel(const ProbabilityBlock& block, float* room, Rows& rows) const {
    for (int64_t c = 0; c < maps_.classes; ++c)
      loops_.take_score(block.Row(c, room), static_cast<int16_t>(c), block.codes.data(),
                        static_cast<size_t>(block.count), rows.p.data(), rows.hit.data(),
                        rows.of_case.data());
  }

  void AddRows(const ProbabilityBlock& block, const Rows& rows, RingCell* cells, RingLoss* losses) const {
    const auto count = static_cast<size_t>(block.count);
    std::array<int16_t, kBlockPixels> ring;
    std::array<uint64_t, kBlockPixels> units;
    loops_.rings(rows.distance.data(), count, limits_.data(), edges_, ring.data());
    loops_.losses(rows.of_case.data(), count, units.data());
    const simd::RingPixels pixels{rows.p.data(), rows.hit.data(), block.codes.data(), rows.of_case.data()};
    loops_.add(pixels, ring.data(), units.data(), count, table_.Limits(), cells, losses);
  }

  const ProbabilityMaps& maps_;
  const BoundaryCalibrationOptions& options_;
  int64_t segments_, groups_, edges_;
  const Segment* segment_;
  const float* distances_;
  const Extent* extents_;
  BinTable table_;
  std::array<float, kMaxRings> limits_;
  const simd::BoundaryTable& loops_ = BoundaryLoops();
  Totals& totals_;
};

}  // namespace

namespace {

// Computes the sums of all segments, which `Segment` can number, and one more.
template <class Segment>
void AddUp(const ProbabilityMaps& maps, const Grid& grid, const BoundaryCalibrationOptions& options,
           const Winners& winners, Totals& totals) {
  const int64_t segments = internal::BoundarySegments(options, maps.classes);
  const auto count = static_cast<size_t>(grid.Count());
  const bool all = !maps.ignore && maps.mask.empty();
  const auto* given = winners ? std::get_if<std::span<const Segment>>(&*winners) : nullptr;
  // Not scratch, which a thread keeps: these are as large as the image.
  std::unique_ptr<Segment[]> memory;
  const Segment* segment = given ? given->data() : nullptr;
  if (!given || !all || options.score != Score::kTopLabel || options.label_boundary) {
    memory = std::make_unique_for_overwrite<Segment[]>(count);
    FindSegments(maps, options, winners, segments, memory.get());
    segment = memory.get();
  }
  const LabelSpan labels = std::span<const Segment>(segment, count);
  const internal::GridDistance transform(grid, options.spacing);
  const auto left_out = all ? std::nullopt : std::optional<int64_t>(segments);
  const internal::ClassMaps of = internal::ReadClasses(labels, grid, segments, left_out);
  // Beyond the outer rings' edges no distance matters.
  double farthest = 0;
  for (const double edge : options.rings) farthest = std::max(farthest, std::abs(edge));
  std::vector<uint8_t> near(of.memory ? 0 : static_cast<size_t>(grid.batch * transform.tiles()));
  int32_t reach = 0;
  for (int64_t image = 0; image < grid.batch && !near.empty(); ++image)
    reach = transform.MarkNear(of.bytes + image * grid.Pixels(), farthest,
                               near.data() + image * transform.tiles());
  const auto distances = std::make_unique_for_overwrite<float[]>(count * static_cast<size_t>(segments));
  internal::ClassDistances(
      labels, grid, segments, left_out, transform, of, internal::Form::kRoot, distances.get(),
      [](int64_t, int64_t) {}, near.empty() ? nullptr : near.data(), reach);
  Adder<Segment>(maps, options, segment, distances.get(), of.extents, totals).Run();
}

void AddUpAny(const ProbabilityMaps& maps, const Grid& grid, const BoundaryCalibrationOptions& options,
              const Winners& winners, const BoundaryCalibrationSums& sums) {
  internal::CheckBoundaryCalibration(maps, grid, options, sums);
  Totals totals(sums.count.size(), sums.log_loss.size());
  if (internal::BoundarySegments(options, maps.classes) < 256)
    AddUp<uint8_t>(maps, grid, options, winners, totals);
  else
    AddUp<int32_t>(maps, grid, options, winners, totals);
  for (size_t i = 0; i < sums.count.size(); ++i) {
    sums.count[i] = static_cast<double>(totals.count[i]);
    sums.accuracy[i] = static_cast<double>(totals.hits[i]);
    sums.confidence[i] = totals.confidence[i].Value();
  }
  for (size_t i = 0; i < sums.log_loss.size(); ++i) {
    sums.log_loss[i] = totals.log_loss[i].Value();
    sums.impossible[i] = static_cast<double>(totals.impossible[i]);
  }
}

}  // namespace

void BoundaryCalibration(const ProbabilityMaps& maps, const Grid& grid,
                         const BoundaryCalibrationOptions& options, const BoundaryCalibrationSums& sums) {
  AddUpAny(maps, grid, options, std::nullopt, sums);
}

void BoundaryCalibration(const ProbabilityMaps& maps, const Grid& grid,
                         const BoundaryCalibrationOptions& options, const LabelSpan& winners,
                         const BoundaryCalibrationSums& sums) {
  Require(Size(winners) == grid.Count(), "winners: expected ", grid.Count(), " pixels, got ", Size(winners));
  AddUpAny(maps, grid, options, winners, sums);
}

}  // namespace cpu
}  // namespace pixelcal
