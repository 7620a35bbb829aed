#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "calibration/calibration.h"
#include "calibration/probability_block.h"
#include "labels/pixel_rows_loops.h"

namespace pixelcal::cpu {

// A row that a score bins: the probabilities of one group, and the codes that mark the hits.
struct ScoreRow {
  Score score;
  int64_t group;  // of the score
  const float* p;
  const int16_t* codes;  // == hit: a hit; < 0: left out
  int16_t hit;
};

// The rows that are derived from a block.
struct RowRoom {
  alignas(64) std::array<float, kBlockPixels> widened, derived;
  alignas(64) std::array<int16_t, kBlockPixels> answers;
  alignas(64) std::array<int16_t, kBlockPixels> winner;  // the class of the largest probability, if wanted
};

// Calls sink(row) for every group of every score that `options` have, once, reading each class of a block
// once (class 0 twice for the foreground). With `winners`, room.winner is written, and the result tells
// whether a value is NaN.
template <class Sink>
bool ForRows(const ProbabilityBlock& block, int64_t classes, std::span<const CalibrationOptions> options,
             bool winners, RowRoom& room, const Sink& sink) {
  const simd::PixelRowsTable& loops = PixelRowsLoops();
  const auto wanted = [&](Score score) {
    return std::ranges::any_of(options, [&](const CalibrationOptions& o) { return o.score == score; });
  };
  const bool top_label = wanted(Score::kTopLabel);
  auto& [widened, derived, answers, winner] = room;
  if (wanted(Score::kForeground)) {
    loops.complement(block.Row(0, widened.data()), block.count, derived.data());
    loops.is_foreground(block.codes.data(), block.count, answers.data());
    sink(ScoreRow{Score::kForeground, 0, derived.data(), answers.data(), 1});
  }
  bool any_nan = false;
  const bool of_classes = wanted(Score::kClasses);
  for (int64_t c = 0; c < classes && (winners || top_label || of_classes); ++c) {
    const float* row = block.Row(c, widened.data());
    const auto code = static_cast<int16_t>(c);
    if (of_classes) sink(ScoreRow{Score::kClasses, c, row, block.codes.data(), code});
    if (winners || top_label)
      any_nan |= loops.take_larger(row, block.count, code, derived.data(), winner.data());
  }
  if (top_label) {
    loops.is_winner(block.codes.data(), winner.data(), block.count, answers.data());
    sink(ScoreRow{Score::kTopLabel, 0, derived.data(), answers.data(), 1});
  }
  return any_nan;
}

}  // namespace pixelcal::cpu
