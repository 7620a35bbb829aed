// Calibration by distance to the segmentation's boundary: segments and the distances to them
// (calibration/segment_distances.cc), then one pass for the sums of every group. O(classes x pixels) time,
// and as much memory as the distances.
#include "calibration/boundary_calibration.h"

#include <algorithm>
#include <array>
#include <limits>
#include <mutex>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/scratch.h"
#include "calibration/bin_limits.h"
#include "calibration/boundary_loops.h"
#include "calibration/exact_sum.h"
#include "calibration/probability_block.h"
#include "calibration/proper_block.h"
#include "calibration/segment_distances.h"

namespace pixelcal {
namespace cpu {
namespace {

constexpr float kFar = std::numeric_limits<float>::infinity();
constexpr int64_t kFlushBlocks = 64;
// The log losses of as many pixels fit 64 bits.
static_assert(kFlushBlocks * kBlockPixels <= int64_t{1} << 17 && simd::kRingHits > 17);

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
  Adder(const ProbabilityMaps& maps, const BoundaryCalibrationOptions& options,
        const SegmentDistances<Segment>& segments, const AfterBlock& after, Totals& totals)
      : maps_(maps),
        options_(options),
        groups_(internal::BoundaryGroups(options, maps.classes)),
        edges_(std::ssize(options.rings)),
        segments_(segments),
        after_(after),
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
              totals_.count[i] += own[i].pixels % (uint64_t{1} << simd::kRingHits);
              totals_.hits[i] += own[i].pixels >> simd::kRingHits;
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
          ProperBlock labels;
          while (const ProbabilityBlock* block = reader.Next()) {
            if (options_.score == Score::kTopLabel || after_) labels.Read(*block, maps_.classes);
            AddBlock(*block, labels, own, losses);
            if (after_) after_(*block, labels);
            if (++blocks % kFlushBlocks == 0) flush();
          }
          flush();
        },
        MapValues::kAny);  // they are checked
  }

 private:
  size_t Bins() const { return static_cast<size_t>(options_.bins); }

  // A group's values of a block's pixels: the score, whether it is a hit, the probability of what is the
  // case, unless that is the label, and the distance.
  struct Rows {
    alignas(64) std::array<float, kBlockPixels> p, distance;
    std::array<double, kBlockPixels> of_case;
    std::array<int16_t, kBlockPixels> hit;
  };

  void AddBlock(const ProbabilityBlock& block, const ProperBlock& labels, RingCell* cells,
                RingLoss* losses) const {
    const Segment* segment = segments_.Of(block);
    alignas(64) std::array<float, kBlockPixels> room, near;
    if constexpr (sizeof(Segment) == 1)
      if (options_.score == Score::kTopLabel && maps_.classes == 2) {
        const simd::RingPair pixels{block.Row(0, room.data()),
                                    block.Row(1, near.data()),
                                    block.codes.data(),
                                    labels.Losses(),
                                    segment,
                                    segments_.To(0, block),
                                    segments_.To(1, block)};
        return loops_.add_pair(pixels, static_cast<size_t>(block.count), limits_.data(), edges_,
                               table_.Limits(), cells, losses);
      }
    Rows rows;
    std::fill_n(near.data(), block.count, kFar);
    for (int32_t s = 0; s < segments_.count(); ++s) {
      const float* to = segments_.To(s, block);
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
      const float* to = one_class ? segments_.To(own, block) : nullptr;
      for (int64_t i = 0; i < block.count; ++i) {
        const bool inside = one_class ? segment[i] == own : segment[i] != 0;
        rows.distance[i] = inside ? -near[i] : !one_class ? near[i] : to ? to[i] : kFar;
      }
      AddRows(block, rows, labels, cells + group * (edges_ + 1) * options_.bins,
              losses + group * (edges_ + 1));
    }
  }

  void TakeNearer(const Segment* segment, int32_t s, const float* to, size_t count, float* near) const {
    if constexpr (sizeof(Segment) == 1)
      loops_.take_nearer(segment, s, to, count, near);
    else
      loops_.take_nearer_of_many(segment, s, to, count, near);
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
                        static_cast<size_t>(block.count), rows.p.data(), rows.hit.data());
  }

  void AddRows(const ProbabilityBlock& block, Rows& rows, const ProperBlock& labels, RingCell* cells,
               RingLoss* losses) const {
    const auto count = static_cast<size_t>(block.count);
    std::array<int16_t, kBlockPixels> ring;
    loops_.rings(rows.distance.data(), count, limits_.data(), edges_, ring.data());
    const bool of_labels = options_.score == Score::kTopLabel;
    if (!of_labels) loops_.losses(rows.of_case.data(), count, rows.of_case.data());
    const simd::RingPixels pixels{rows.p.data(), rows.hit.data(), block.codes.data(),
                                  of_labels ? labels.Losses() : rows.of_case.data()};
    loops_.add(pixels, ring.data(), count, table_.Limits(), cells, losses);
  }

  const ProbabilityMaps& maps_;
  const BoundaryCalibrationOptions& options_;
  int64_t groups_, edges_;
  const SegmentDistances<Segment>& segments_;
  const AfterBlock& after_;
  BinTable table_;
  std::array<float, kMaxRings> limits_;
  const simd::BoundaryTable& loops_ = BoundaryLoops();
  Totals& totals_;
};

// Computes the sums of all segments, which `Segment` can number, and one more.
template <class Segment>
void AddUp(const ProbabilityMaps& maps, const Grid& grid, const BoundaryCalibrationOptions& options,
           const std::optional<LabelSpan>& winners, const AfterBlock& after, Totals& totals) {
  const SegmentDistances<Segment> segments(maps, grid, options, winners);
  Adder<Segment>(maps, options, segments, after, totals).Run();
}

void AddUpAny(const ProbabilityMaps& maps, const Grid& grid, const BoundaryCalibrationOptions& options,
              const std::optional<LabelSpan>& winners, const AfterBlock& after,
              const BoundaryCalibrationSums& sums) {
  internal::CheckBoundaryCalibration(maps, grid, options, sums);
  Totals totals(sums.count.size(), sums.log_loss.size());
  if (internal::BoundarySegments(options, maps.classes) < 256)
    AddUp<uint8_t>(maps, grid, options, winners, after, totals);
  else
    AddUp<int32_t>(maps, grid, options, winners, after, totals);
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
  AddUpAny(maps, grid, options, std::nullopt, {}, sums);
}

void BoundaryCalibration(const ProbabilityMaps& maps, const Grid& grid,
                         const BoundaryCalibrationOptions& options, const LabelSpan& winners,
                         const BoundaryCalibrationSums& sums, const AfterBlock& after) {
  Require(Size(winners) == grid.Count(), "winners: expected ", grid.Count(), " pixels, got ", Size(winners));
  AddUpAny(maps, grid, options, winners, after, sums);
}

}  // namespace cpu
}  // namespace pixelcal
