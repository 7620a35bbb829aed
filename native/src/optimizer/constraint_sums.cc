// Sums in double per block of 2048 pixels, added up in the order of the blocks: O(batch x classes x pixels).
#include "optimizer/constraint_sums.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/parallel.h"
#include "base/shape.h"
#include "labels/bad_pixels.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kBlock = 2048;

void Check(const Constraints& from) {
  Require(from.batch >= 1 && from.pixels >= 1, "size: expected at least 1, got ", from.batch, " x ",
          from.pixels);
  Require(from.classes >= 1 && from.classes <= kMaxClasses, "classes: expected 1 to ", kMaxClasses, ", got ",
          from.classes);
  const int64_t pixels = CheckedProduct(from.batch, from.pixels);
  const int64_t count = CheckedProduct(pixels, from.classes);
  Require(std::ssize(from.logits) == count, "logits: expected ", count, " elements, got ",
          from.logits.size());
  Require(Size(from.labels) == pixels, "labels: expected ", pixels, " elements, got ", Size(from.labels));
  const bool regions = !from.targets.empty();
  Require(!regions || std::ssize(from.targets) == count, "targets: expected ", count, " elements, got ",
          from.targets.size());
  Require(std::ssize(from.near) == (regions ? pixels : 0), "near: expected ", regions ? pixels : 0,
          " elements, got ", from.near.size());
  const int64_t channels = (regions ? 2 : 1) * from.classes;
  Require(std::ssize(from.multipliers) == channels, "multipliers: expected ", channels, " numbers, got ",
          from.multipliers.size());
  Require(std::ssize(from.parameters) == channels, "parameters: expected ", channels, " numbers, got ",
          from.parameters.size());
  Require(regions ? from.margin >= 0 : from.margin > 0, "margin: expected a number ",
          regions ? "of 0 or more" : "above 0", ", got ", from.margin);
}

// The sums of one block, as three numbers per channel.
class BlockSums {
 public:
  BlockSums(const Constraints& from, double* sums) : from_(from), sums_(sums) {}

  void Add(int64_t channel, double h) const {
    const double pushed = std::max(0.0, from_.multipliers[channel] + from_.parameters[channel] * h);
    double* sums = sums_ + 3 * channel;
    sums[0] += std::clamp(pushed, 1e-6, 1e6);
    sums[1] += h;
    sums[2] += 1;
  }

 private:
  const Constraints& from_;
  double* sums_;
};

void AddPixel(const Constraints& from, int64_t image, int64_t pixel, const BlockSums& sums) {
  const int64_t first = image * from.classes * from.pixels + pixel;
  const auto logit = [&](int64_t c) { return static_cast<double>(from.logits[first + c * from.pixels]); };
  if (from.targets.empty()) {
    double largest = -std::numeric_limits<double>::infinity();
    for (int64_t c = 0; c < from.classes; ++c) largest = std::max(largest, logit(c));
    for (int64_t c = 0; c < from.classes; ++c) sums.Add(c, (largest - logit(c) - from.margin) / from.margin);
    return;
  }
  const bool near = from.near[image * from.pixels + pixel] == 1;
  for (int64_t c = 0; c < from.classes; ++c) {
    const double target = static_cast<double>(from.targets[first + c * from.pixels]);
    sums.Add(near ? c : from.classes + c, std::abs(target * (near ? 1 : from.margin) - logit(c)));
  }
}

}  // namespace

ConstraintSums SumConstraints(const Constraints& from) {
  Check(from);
  const int64_t channels = std::ssize(from.multipliers);
  const int64_t blocks = (from.pixels - 1) / kBlock + 1, items = from.batch * blocks;
  std::vector<double> parts(static_cast<size_t>(CheckedProduct(items, 3 * channels)), 0.0);
  std::vector<int64_t> counts(static_cast<size_t>(items), 0);
  ParallelFor(items, 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t image = item / blocks, start = item % blocks * kBlock;
      const int64_t stop = std::min(start + kBlock, from.pixels);
      const BlockSums sums(from, parts.data() + item * 3 * channels);
      std::visit(
          [&](auto labels) {
            for (int64_t pixel = start; pixel < stop; ++pixel) {
              if (from.ignore && static_cast<int64_t>(labels[image * from.pixels + pixel]) == *from.ignore)
                continue;
              ++counts[item];
              AddPixel(from, image, pixel, sums);
            }
          },
          from.labels);
    }
  });
  ConstraintSums all;
  const auto zeros = std::vector<double>(static_cast<size_t>(channels), 0.0);
  all.pushed = all.constraints = all.seen = zeros;
  for (int64_t item = 0; item < items; ++item) {
    all.count += counts[item];
    for (int64_t channel = 0; channel < channels; ++channel) {
      const double* sums = parts.data() + (item * channels + channel) * 3;
      all.pushed[channel] += sums[0];
      all.constraints[channel] += sums[1];
      all.seen[channel] += sums[2];
    }
  }
  return all;
}

}  // namespace pixelcal::cpu
