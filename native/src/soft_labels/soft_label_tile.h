#pragma once

// One tile of soft labels, all in cache: codes -> class bits -> optional morphology -> aggregation over the
// window -> normalisation.

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "labels/bad_pixels.h"
#include "soft_labels/class_rows.h"
#include "soft_labels/count_targets_loops.h"
#include "soft_labels/soft_labels.h"
#include "soft_labels/window_filter.h"

namespace pixelcal::cpu {

// The data that all tiles of a call share.
struct SoftLabelPlan {
  const SoftLabelOptions& options;
  std::span<const float> image;
  std::span<float> out;
  ClassRowsPlan rows{};
  Window window{};
  std::optional<CountedWindow> counted{};  // nothing: floats
  int64_t pixels = 0;
  bool linear = false;
  simd::Divisor divisor{};
  // The factor or divisor of a pixel's counts at one level, for every sum.
  std::array<float, 256> factors{};
  bool divides = false;
  uint8_t most = 255;  // sum

  // Ignored pixels make their window lighter and have no target.
  bool LeavesOut() const { return options.ignore && options.normalization != Normalization::kClasses; }
  bool HasHard() const {
    return options.band || LeavesOut() || options.normalization == Normalization::kLabels;
  }
};

// Computes the targets of one tile; labels that are no class go to `bad`.
void FillTile(const SoftLabelPlan& plan, const TileRows& rows, BadPixels& bad);

}  // namespace pixelcal::cpu
