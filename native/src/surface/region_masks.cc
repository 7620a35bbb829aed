// Regions of label maps as bits: rows of labels become codes, codes become bytes of 0 and 1 by comparison
// with the region's runs of consecutive classes, and those bytes become bits; for one class labels of uint8
// are compared as they are. O(pixels x runs), nothing larger than a row.
#include "surface/region_masks.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <vector>

#include "base/parallel.h"
#include "base/scratch.h"
#include "labels/bad_pixels.h"
#include "labels/label_codes.h"
#include "morphology/packing_loops.h"

namespace pixelcal {
namespace {

struct Run {
  uint16_t first, length;  // classes first to first + length
};

std::vector<Run> RunsOf(std::span<const int64_t> set) {
  std::vector<int64_t> classes(set.begin(), set.end());
  std::sort(classes.begin(), classes.end());
  std::vector<Run> runs;
  for (const int64_t label : classes) {
    if (!runs.empty() && label <= runs.back().first + runs.back().length + 1)
      runs.back().length = static_cast<uint16_t>(label - runs.back().first);
    else
      runs.push_back({static_cast<uint16_t>(label), 0});
  }
  return runs;
}

// Writes 1 where the code is in one of the runs, else 0; codes below 0 are in none.
void FindMembers(const int16_t* codes, int64_t count, std::span<const Run> runs, uint8_t* members) {
  if (runs.empty()) std::fill_n(members, count, uint8_t{0});
  for (size_t run = 0; run < runs.size(); ++run) {
    const auto [first, length] = runs[run];
    for (int64_t i = 0; i < count; ++i) {
      const bool inside = static_cast<uint16_t>(static_cast<uint16_t>(codes[i]) - first) <= length;
      members[i] = static_cast<uint8_t>((run == 0 ? 0 : members[i]) | (inside ? 1 : 0));
    }
  }
}

// Returns the bytes of checked labels, among which none is ignored, if they are bytes; null otherwise.
const uint8_t* BytesOf(const LabelSpan& labels, std::optional<int64_t> ignore) {
  const auto* bytes = std::get_if<std::span<const uint8_t>>(&labels);
  return bytes && !ignore ? bytes->data() : nullptr;
}

// Returns bytes that are not 0 where a row of labels is `label`: of two classes, class 1 is its own mask.
const uint8_t* MaskOf(const uint8_t* row, int64_t width, int64_t label, int64_t classes, uint8_t* room) {
  if (classes == 2 && label == 1) return row;
  for (int64_t i = 0; i < width; ++i) room[i] = row[i] == label;
  return room;
}

}  // namespace

void CheckLabelMaps(const LabelSpan& predicted, const LabelSpan& labels, int64_t count, int64_t classes,
                    std::optional<int64_t> ignore) {
  constexpr int64_t kBlock = 4096;
  BadPixels bad_labels, bad_predicted;
  ParallelFor((count - 1) / kBlock + 1, 8, [&](int64_t begin, int64_t end) {
    std::array<int16_t, kBlock> truth, guess;
    for (int64_t block = begin; block < end; ++block) {
      const int64_t at = block * kBlock, length = std::min(kBlock, count - at);
      // Both are encoded, whatever the first holds.
      const bool invalid_truth = cpu::EncodeLabels(labels, at, length, classes, ignore, truth.data()).invalid,
                 invalid_guess = cpu::EncodeLabels(predicted, at, length, classes, {}, guess.data()).invalid,
                 invalid = invalid_truth || invalid_guess;
      for (int64_t i = 0; i < length && invalid; ++i) {
        if (truth[i] == simd::kInvalid) bad_labels.Add(at + i);
        if (guess[i] == simd::kInvalid && truth[i] != simd::kLeftOut) bad_predicted.Add(at + i);
      }
    }
  });
  if (bad_labels.count > 0)
    RejectLabels("labels", bad_labels, cpu::LabelAt(labels, bad_labels.first), classes);
  if (bad_predicted.count > 0)
    RejectLabels("predicted", bad_predicted, cpu::LabelAt(predicted, bad_predicted.first), classes);
}

RegionMasks PackRegion(const LabelSpan& predicted, const LabelSpan& labels, int64_t at, const Dhw& dhw,
                       std::span<const int64_t> set, int64_t classes, std::optional<int64_t> ignore) {
  const int64_t rows = dhw[0] * dhw[1], width = dhw[2], words = (width + 63) / 64;
  const auto size = static_cast<size_t>(rows * words + 1);  // the next word may be read
  uint64_t *of_predicted = Scratch<uint64_t, struct PredictedBits>(size),
           *of_labels = Scratch<uint64_t, struct LabelBits>(size);
  uint64_t* ignored = ignore ? Scratch<uint64_t, struct IgnoredBits>(size) : nullptr;
  const std::vector<Run> runs = RunsOf(set);
  const uint64_t pixels = ~uint64_t{0} >> (-width & 63);
  std::atomic<bool> any_ignored{false};
  const uint8_t *predicted_bytes = BytesOf(predicted, ignore), *label_bytes = BytesOf(labels, ignore);
  const bool one_class = set.size() == 1 && set[0] < classes;
  ParallelFor(rows, std::max<int64_t>(1, 65536 / width), [&](int64_t begin, int64_t end) {
    auto* codes = Scratch<int16_t, struct RowCodes>(static_cast<size_t>(2 * width));
    int16_t *truth = codes, *guess = codes + width;
    auto* members = Scratch<uint8_t, struct RowMembers>(static_cast<size_t>(width));
    bool any = false;
    for (int64_t row = begin; row < end; ++row) {
      const int64_t from = at + row * width;
      const auto pack_bytes = [&](const uint8_t* bytes, uint64_t* bits) {
        uint64_t* to = bits + row * words;
        PackingLoops().pack(bytes, width, 1, 0, words, to);
        to[words - 1] &= pixels;
      };
      const auto pack = [&](uint64_t* bits) { pack_bytes(members, bits); };
      if (predicted_bytes && label_bytes && one_class) {
        pack_bytes(MaskOf(predicted_bytes + from, width, set[0], classes, members), of_predicted);
        pack_bytes(MaskOf(label_bytes + from, width, set[0], classes, members), of_labels);
        continue;
      }
      const bool left_out = cpu::EncodeLabels(labels, from, width, classes, ignore, truth).left_out;
      cpu::EncodeLabels(predicted, from, width, classes, {}, guess);
      if (left_out) {
        any = true;
        for (int64_t i = 0; i < width; ++i) {
          members[i] = truth[i] == simd::kLeftOut;
          guess[i] = truth[i] == simd::kLeftOut ? simd::kLeftOut : guess[i];
        }
        pack(ignored);
      } else if (ignored) {
        std::fill_n(ignored + row * words, words, uint64_t{0});
      }
      FindMembers(guess, width, runs, members);
      pack(of_predicted);
      FindMembers(truth, width, runs, members);
      pack(of_labels);
    }
    if (any) any_ignored = true;
  });
  return {of_predicted, of_labels, any_ignored ? ignored : nullptr};
}

}  // namespace pixelcal
