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
  int64_t group;  // index over all options
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

// Calls sink(row) for every group that the scores of `options` need from a block, reading each class once
// (class 0 twice for the foreground). With `winners`, room.winner is written, and the result tells whether a
// value is NaN.
template <class Sink>
bool ForRows(const ProbabilityBlock& block, int64_t classes, std::span<const CalibrationOptions> options,
             bool winners, RowRoom& room, const Sink& sink) {
  const simd::PixelRowsTable& loops = PixelRowsLoops();
  const auto wanted = [&](Score score) {
    return std::ranges::any_of(options, [&](const CalibrationOptions& o) { return o.score == score; });
  };
  const bool top_label = wanted(Score::kTopLabel);
  auto& [widened, derived, answers, winner] = room;
  const auto all_of = [&](Score score, ScoreRow row) {
    int64_t group = 0;
    for (const CalibrationOptions& option : options) {
      if (option.score == score) {
        row.group = group + (score == Score::kClasses ? row.hit : 0);
        sink(row);
      }
      group += CalibrationGroups(option.score, classes);
    }
  };
  if (wanted(Score::kForeground)) {
    loops.complement(block.Row(0, widened.data()), block.count, derived.data());
    loops.is_foreground(block.codes.data(), block.count, answers.data());
    all_of(Score::kForeground, {0, derived.data(), answers.data(), 1});
  }
  bool any_nan = false;
  for (int64_t c = 0; c < classes && (winners || top_label || wanted(Score::kClasses)); ++c) {
    const float* row = block.Row(c, widened.data());
    const auto code = static_cast<int16_t>(c);
    all_of(Score::kClasses, {0, row, block.codes.data(), code});
    if (winners || top_label)
      any_nan |= loops.take_larger(row, block.count, code, derived.data(), winner.data());
  }
  if (top_label) {
    loops.is_winner(block.codes.data(), winner.data(), block.count, answers.data());
    all_of(Score::kTopLabel, {0, derived.data(), answers.data(), 1});
  }
  return any_nan;
}

}  // namespace pixelcal::cpu
