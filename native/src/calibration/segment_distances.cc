// Segments from probabilities, labels, or an arg-max that is at hand, and the distances to them
// (distance/class_distances.cc) as far as the last ring: O(classes x pixels) time and memory.
#include "calibration/segment_distances.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "labels/pixel_rows_loops.h"

namespace pixelcal::cpu {
namespace {

// Writes the segments of all pixels, left-out ones as `segments`, and checks all values.
template <class Segment>
void FindSegments(const ProbabilityMaps& maps, const BoundaryCalibrationOptions& options,
                  const std::optional<LabelSpan>& winners, int64_t segments, Segment* out) {
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
      Segment* to = out + block->at;
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

}  // namespace

template <class Segment>
SegmentDistances<Segment>::SegmentDistances(const ProbabilityMaps& maps, const Grid& grid,
                                            const BoundaryCalibrationOptions& options,
                                            const std::optional<LabelSpan>& winners)
    : count_(internal::BoundarySegments(options, maps.classes)), pixels_(maps.pixels) {
  const auto pixels = static_cast<size_t>(grid.Count());
  const bool all = !maps.ignore && maps.mask.empty();
  const auto* given = winners ? std::get_if<std::span<const Segment>>(&*winners) : nullptr;
  segments_ = given ? given->data() : nullptr;
  if (!given || !all || options.score != Score::kTopLabel || options.label_boundary) {
    memory_ = std::make_unique_for_overwrite<Segment[]>(pixels);
    FindSegments(maps, options, winners, count_, memory_.get());
    segments_ = memory_.get();
  }
  const LabelSpan labels = std::span<const Segment>(segments_, pixels);
  const internal::GridDistance transform(grid, options.spacing);
  const auto left_out = all ? std::nullopt : std::optional<int64_t>(count_);
  const internal::ClassMaps of = internal::ReadClasses(labels, grid, count_, left_out);
  // Beyond the outer rings' edges no distance matters.
  double farthest = 0;
  for (const double edge : options.rings) farthest = std::max(farthest, std::abs(edge));
  std::vector<uint8_t> near(of.memory ? 0 : static_cast<size_t>(grid.batch * transform.tiles()));
  int32_t reach = 0;
  for (int64_t image = 0; image < grid.batch && !near.empty(); ++image)
    reach = transform.MarkNear(of.bytes + image * grid.Pixels(), farthest,
                               near.data() + image * transform.tiles());
  distances_ = std::make_unique_for_overwrite<float[]>(pixels * static_cast<size_t>(count_));
  internal::ClassDistances(
      labels, grid, count_, left_out, transform, of, internal::Form::kRoot, distances_.get(),
      [](int64_t, int64_t) {}, near.empty() ? nullptr : near.data(), reach);
  extents_.assign(of.extents, of.extents + grid.batch * count_);
}

template class SegmentDistances<uint8_t>;
template class SegmentDistances<int32_t>;

}  // namespace pixelcal::cpu
