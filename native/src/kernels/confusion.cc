// Arg-max over classes and confusion matrices: one pass over memory, whole counts, so any order gives the
// same result.
#include "kernels/confusion.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <mutex>
#include <vector>

#include "error.h"
#include "kernels/pixel.h"
#include "parallel.h"
#include "shape.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kBlock = 4096;
constexpr int64_t kChunkPixels = 64 << 10;

void CheckClasses(int64_t classes) {
  Require(classes >= 1 && classes <= kMaxClasses, "classes: expected 1 to ", kMaxClasses, ", got ", classes);
}

}  // namespace

void ArgMax(std::span<const float> values, int64_t batch, int64_t classes, int64_t pixels,
            const ClassSpan& out) {
  CheckClasses(classes);
  const int64_t count = CheckedProduct(batch, pixels), blocks = (pixels - 1) / kBlock + 1;
  Require(std::ssize(values) == CheckedProduct(count, classes), "values: expected ", count * classes,
          ", got ", values.size());
  BadPixels bad;
  std::visit(
      [&](auto target) {
        using Class = typename decltype(target)::value_type;
        Require(std::ssize(target) == count, "out: expected ", count, " pixels, got ", target.size());
        Require(classes - 1 <= std::numeric_limits<Class>::max(), "out: expected a type that holds class ",
                classes - 1, ", got ", 8 * sizeof(Class), " bits");
        ParallelFor(batch * blocks, 4, [&](int64_t begin, int64_t end) {
          std::array<float, kBlock> best;
          for (int64_t item = begin; item < end; ++item) {
            const int64_t n = item / blocks, start = item % blocks * kBlock;
            const int64_t length = std::min(kBlock, pixels - start);
            Class* winner = target.data() + n * pixels + start;
            bool valid = true;
            for (int64_t c = 0; c < classes; ++c) {
              const float* value = values.data() + (n * classes + c) * pixels + start;
              for (int64_t i = 0; i < length; ++i) {
                const bool larger = c == 0 || value[i] > best[i];
                valid &= !std::isnan(value[i]);
                winner[i] = larger ? static_cast<Class>(c) : winner[i];
                best[i] = larger ? value[i] : best[i];
              }
            }
            for (int64_t i = 0; i < length && !valid; ++i)
              for (int64_t c = 0; c < classes; ++c)
                if (std::isnan(values[(n * classes + c) * pixels + start + i])) {
                  bad.Add(n * pixels + start + i);
                  break;
                }
          }
        });
      },
      out);
  Require(bad.count == 0, "values: expected no NaN, got one at pixel ", bad.first.load(), " (",
          bad.count.load(), " such pixels)");
}

void ConfusionCounts(const LabelSpan& predicted, const LabelSpan& labels, int64_t batch, int64_t classes,
                     int64_t pixels, std::optional<int64_t> ignore, std::span<const uint8_t> mask,
                     std::span<double> counts) {
  CheckClasses(classes);
  const int64_t count = CheckedProduct(batch, pixels), cells = classes * classes;
  Require(Size(predicted) == count, "predicted: expected ", count, " pixels, got ", Size(predicted));
  Require(Size(labels) == count, "labels: expected ", count, " pixels, got ", Size(labels));
  Require(mask.empty() || std::ssize(mask) == count, "mask: expected ", count, " pixels, got ", mask.size());
  Require(std::ssize(counts) == batch * cells, "counts: expected ", batch * cells, " values, got ",
          counts.size());
  std::fill(counts.begin(), counts.end(), 0.0);
  const int64_t chunks = (pixels - 1) / kChunkPixels + 1;
  BadPixels bad_labels, bad_predicted;
  std::mutex mutex;
  std::visit(
      [&](auto truth, auto guess) {
        ParallelFor(batch * chunks, 1, [&](int64_t item, int64_t) {
          const int64_t n = item / chunks, start = item % chunks * kChunkPixels;
          const int64_t length = std::min(kChunkPixels, pixels - start);
          std::vector<int64_t> local(cells);
          for (int64_t at = n * pixels + start; at < n * pixels + start + length; ++at) {
            const auto is = static_cast<int64_t>(truth[at]), seen = static_cast<int64_t>(guess[at]);
            if (ignore && is == *ignore) continue;
            const bool known = is >= 0 && is < classes, sane = seen >= 0 && seen < classes;
            if (!known) bad_labels.Add(at);
            if (!sane) bad_predicted.Add(at);
            if (known && sane && (mask.empty() || mask[at])) ++local[is * classes + seen];
          }
          const std::lock_guard lock(mutex);
          for (int64_t cell = 0; cell < cells; ++cell)
            counts[n * cells + cell] += static_cast<double>(local[cell]);
        });
        if (bad_labels.count > 0) RejectLabels("labels", bad_labels, truth[bad_labels.first], classes);
        if (bad_predicted.count > 0)
          RejectLabels("predicted", bad_predicted, guess[bad_predicted.first], classes);
      },
      labels, predicted);
}

}  // namespace pixelcal::cpu
