// Arg-max over classes and confusion matrices, O(pixels x classes) and O(pixels): one pass over memory in
// blocks whose labels are narrowed once; whole counts, so any order gives the same result.
#include "overlap/confusion.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/error.h"
#include "base/parallel.h"
#include "base/shape.h"
#include "labels/bad_pixels.h"
#include "labels/float_rows.h"
#include "labels/label_codes.h"
#include "labels/pixel_rows_loops.h"
#include "overlap/confusion_pass.h"
#include "overlap/nan_pixels.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kBlock = 2048;
constexpr int64_t kChunkBlocks = 32;

void CheckClasses(int64_t classes) {
  Require(classes >= 1 && classes <= kMaxClasses, "classes: expected 1 to ", kMaxClasses, ", got ", classes);
}

}  // namespace

void ArgMax(const FloatSpan& values, int64_t batch, int64_t classes, int64_t pixels, const ClassSpan& out) {
  CheckClasses(classes);
  const int64_t count = CheckedProduct(batch, pixels), blocks = (pixels - 1) / kBlock + 1;
  Require(Size(values) == CheckedProduct(count, classes), "values: expected ", CheckedProduct(count, classes),
          ", got ", Size(values));
  BadPixels bad;
  std::visit(
      [&](auto target) {
        using Class = typename decltype(target)::value_type;
        Require(std::ssize(target) == count, "out: expected ", count, " pixels, got ", target.size());
        Require(classes - 1 <= std::numeric_limits<Class>::max(), "out: expected a type that holds class ",
                classes - 1, ", got ", 8 * sizeof(Class), " bits");
        ParallelFor(batch * blocks, 4, [&](int64_t begin, int64_t end) {
          alignas(64) std::array<float, kBlock> room, best;
          alignas(64) std::array<int16_t, kBlock> winner;
          for (int64_t item = begin; item < end; ++item) {
            const int64_t n = item / blocks, start = item % blocks * kBlock;
            const int64_t length = std::min(kBlock, pixels - start);
            const auto row = [&](int64_t c) {
              return FloatsAt(values, (n * classes + c) * pixels + start, length, room.data());
            };
            bool any_nan = false;
            for (int64_t c = 0; c < classes; ++c)
              any_nan |= PixelRowsLoops().take_larger(row(c), length, static_cast<int16_t>(c), best.data(),
                                                      winner.data());
            Class* to = target.data() + n * pixels + start;
            for (int64_t i = 0; i < length; ++i) to[i] = static_cast<Class>(winner[i]);
            if (any_nan) AddNanPixels(row, classes, n * pixels + start, length, bad);
          }
        });
      },
      out);
  RejectNanPixels("values", bad);
}

void ConfusionCounts(const LabelSpan& predicted, const LabelSpan& labels, int64_t batch, int64_t classes,
                     int64_t pixels, std::optional<int64_t> ignore, std::span<const uint8_t> mask,
                     std::span<double> counts) {
  CheckClasses(classes);
  const int64_t count = CheckedProduct(batch, pixels), cells = classes * classes;
  Require(Size(predicted) == count, "predicted: expected ", count, " pixels, got ", Size(predicted));
  Require(Size(labels) == count, "labels: expected ", count, " pixels, got ", Size(labels));
  Require(mask.empty() || std::ssize(mask) == count, "mask: expected ", count, " pixels, got ", mask.size());
  Require(std::ssize(counts) == CheckedProduct(batch, cells), "counts: expected ",
          CheckedProduct(batch, cells), " values, got ", counts.size());
  ConfusionPass pass(classes, counts);
  constexpr int64_t kChunk = kChunkBlocks * kBlock;
  const int64_t chunks = (pixels - 1) / kChunk + 1;
  BadPixels bad_labels, bad_predicted;
  ParallelFor(batch * chunks, 1, [&](int64_t item, int64_t) {
    const int64_t n = item / chunks, begin = item % chunks * kChunk, end = std::min(begin + kChunk, pixels);
    ConfusionPass::Chunk part(pass);
    alignas(64) std::array<int16_t, kBlock> truth, guess;
    for (int64_t start = begin; start < end; start += kBlock) {
      const int64_t at = n * pixels + start, length = std::min(kBlock, end - start);
      // Both are encoded, whatever the first holds.
      const bool invalid_truth = EncodeLabels(labels, at, length, classes, ignore, truth.data()).invalid,
                 invalid_guess = EncodeLabels(predicted, at, length, classes, {}, guess.data()).invalid,
                 invalid = invalid_truth || invalid_guess;
      bool rejected = false;
      for (int64_t i = 0; i < length && invalid; ++i) {
        if (truth[i] == simd::kInvalid) bad_labels.Add(at + i);
        if (guess[i] == simd::kInvalid && truth[i] != simd::kLeftOut) bad_predicted.Add(at + i);
        rejected |= truth[i] == simd::kInvalid || (guess[i] == simd::kInvalid && truth[i] != simd::kLeftOut);
      }
      if (rejected) continue;
      if (!mask.empty()) PixelRowsLoops().leave_out(mask.data() + at, length, truth.data());
      part.Add(n, truth.data(), guess.data(), length);
    }
    part.End();
  });
  if (bad_labels.count > 0) RejectLabels("labels", bad_labels, LabelAt(labels, bad_labels.first), classes);
  if (bad_predicted.count > 0)
    RejectLabels("predicted", bad_predicted, LabelAt(predicted, bad_predicted.first), classes);
}

}  // namespace pixelcal::cpu
