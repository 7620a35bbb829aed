#pragma once

// The slow twins of the soft labels: every pixel looks at every pixel of its window, in double.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "soft_labels/soft_labels.h"

namespace pixelcal::test {

using Labels = std::vector<int32_t>;

inline Labels RandomLabels(int64_t count, int classes, int blobs, unsigned seed) {
  std::mt19937 random(seed);
  Labels labels(count);
  for (int64_t i = 0; i < count; ++i)
    labels[i] = i % blobs == 0 || i == 0 ? static_cast<int32_t>(random() % classes) : labels[i - 1];
  return labels;
}

inline std::vector<float> RandomImage(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> image(count);
  for (float& pixel : image) pixel = static_cast<float>(random() % 2000) / 1000.0f - 1.0f;
  return image;
}

// The slow twin of the kernels without morphology: every pixel lists its window, one entry per pixel, and
// each rule works on that list in double.
struct Seen {
  int64_t label;  // -1: no class, -2: ignored
  double tap, value;
};

inline std::vector<double> Rule(const std::vector<Seen>& window, const Seen& own,
                                const SoftLabelOptions& options, double total) {
  std::vector<double> target(options.classes);
  std::vector<int64_t> sorted;
  std::map<int64_t, int> counts;
  for (const Seen& seen : window)
    if (seen.label >= 0) {
      sorted.push_back(seen.label);
      ++counts[seen.label];
    }
  std::sort(sorted.begin(), sorted.end());
  const auto one = [&](int64_t label) { target[label] = 1; };
  double ignored = 0, weights = 0, counted = 0;
  for (const Seen& seen : window) {
    if (seen.label == -2) {
      ignored += seen.tap;
      continue;
    }
    const double e = std::abs(seen.value - own.value);
    const double weight = options.aggregation == Aggregation::kGradient    ? e
                          : options.aggregation == Aggregation::kBilateral ? e * seen.tap
                          : options.aggregation == Aggregation::kImageL1   ? std::exp(-e)
                          : options.aggregation == Aggregation::kImageL2   ? std::exp(-e * e)
                                                                           : seen.tap;
    weights += weight;
    ++counted;
    if (seen.label >= 0) target[seen.label] += weight;
  }
  const auto divide = [&](double by) {
    for (double& value : target) value /= by;
  };
  switch (options.aggregation) {
    case Aggregation::kWeighted:
      if (options.normalization == Normalization::kWindow && total > ignored)
        divide(options.divisor * (total - ignored) / total);
      break;
    case Aggregation::kGradient:
    case Aggregation::kBilateral:
      if (counted > 0) divide(counted);
      break;
    case Aggregation::kImageL1:
    case Aggregation::kImageL2:
      if (weights > 0) divide(weights);
      break;
    default: {
      std::fill(target.begin(), target.end(), 0.0);
      if (sorted.empty()) break;
      const double size = static_cast<double>(window.size());
      if (options.aggregation == Aggregation::kLargest) one(sorted.back());
      if (options.aggregation == Aggregation::kSmallest) one(sorted.front());
      if (options.aggregation == Aggregation::kMedian) one(sorted[(sorted.size() - 1) / 2]);
      if (options.aggregation == Aggregation::kMode) {
        int64_t best = sorted.front();
        for (const auto& [label, count] : counts)
          if (count > counts[best]) best = label;
        one(best);
      }
      for (const auto& [label, count] : counts) {
        if (options.aggregation == Aggregation::kAny) one(label);
        if (options.aggregation == Aggregation::kAll && count == size) one(label);
        if (options.aggregation == Aggregation::kMajority && 2 * count >= size) one(label);
      }
    }
  }
  if (options.normalization == Normalization::kWindow && own.label == -2)
    std::fill(target.begin(), target.end(), 0.0);
  if (options.normalization == Normalization::kClasses) {
    double sum = 0;
    for (const double value : target) sum += value;
    divide(std::max(sum, 1e-6));
  }
  return target;
}

inline std::vector<double> SoftLabelTwin(const Labels& labels, const std::vector<float>& image,
                                         const Grid& grid, const SoftLabelOptions& options) {
  const auto size = grid.DepthHeightWidth();
  const int64_t pixels = grid.Pixels(), r = std::ssize(options.taps) / 2;
  const bool weighted = options.aggregation == Aggregation::kWeighted;
  std::vector<double> out(labels.size() * options.classes);
  const auto see = [&](int64_t at, double tap) {
    const int64_t label = options.ignore && labels[at] == *options.ignore ? -2 : labels[at];
    return Seen{label, tap, image.empty() ? 0 : image[at]};
  };
  double sum = 0, total = options.scale;
  for (const float tap : options.taps) sum += tap;
  for (int axis = 0; axis < options.dimensions; ++axis) total *= sum;
  total += options.centre;
  for (int64_t n = 0; n < grid.batch; ++n)
    for (int64_t i = 0; i < pixels; ++i) {
      const int64_t at[3] = {i / (size[1] * size[2]), i / size[2] % size[1], i % size[2]};
      std::vector<Seen> window;
      int64_t o[3];
      const int64_t rz = options.dimensions > 2 ? r : 0, ry = options.dimensions > 1 ? r : 0;
      for (o[0] = -rz; o[0] <= rz; ++o[0])
        for (o[1] = -ry; o[1] <= ry; ++o[1])
          for (o[2] = -r; o[2] <= r; ++o[2]) {
            int64_t p[3];
            bool inside = true;
            double tap = weighted ? options.scale : 1;
            for (int axis = 0; axis < 3; ++axis) {
              p[axis] = BorderIndex(at[axis] + o[axis], size[axis], options.window_border);
              inside &= p[axis] >= 0;
              if (axis >= 3 - options.dimensions) tap *= options.taps[o[axis] + r];
            }
            if (weighted && o[0] == 0 && o[1] == 0 && o[2] == 0) tap += options.centre;
            if (inside)
              window.push_back(see(n * pixels + (p[0] * size[1] + p[1]) * size[2] + p[2], tap));
            else
              window.push_back({options.window_border == WindowBorder::kBackground ? 0 : -1, tap, 0});
          }
      const std::vector<double> target = Rule(window, see(n * pixels + i, 0), options, total);
      for (int64_t c = 0; c < options.classes; ++c) out[(n * options.classes + c) * pixels + i] = target[c];
    }
  return out;
}

// The slow twin with morphology: whole masks, cpu::Morphology (which has its own twin), then every
// window pixel by pixel.
inline std::vector<double> AdaptedSoftLabelTwin(const Labels& labels, const Grid& grid,
                                                const SoftLabelOptions& options) {
  const auto size = grid.DepthHeightWidth();
  const int64_t pixels = grid.Pixels(), classes = options.classes, r = std::ssize(options.taps) / 2;
  const int64_t rz = options.dimensions > 2 ? r : 0, ry = options.dimensions > 1 ? r : 0;
  const bool weighted = options.aggregation == Aggregation::kWeighted;
  const bool leaves_out = options.ignore && options.normalization != Normalization::kClasses;
  const auto ignored = [&](int64_t at) { return options.ignore && labels[at] == *options.ignore; };
  // There are as many slices as the morphology does not span.
  Grid slices;
  slices.batch = grid.batch * classes;
  slices.rank = options.dimensions;
  for (int axis = 0; axis < 3; ++axis)
    if (axis < 3 - options.dimensions)
      slices.batch *= size[axis];
    else
      slices.size[axis - 3 + options.dimensions] = size[axis];
  std::vector<uint8_t> own(labels.size() * classes), adapted(own.size()), band(labels.size());
  for (int64_t at = 0; at < std::ssize(own); ++at)
    own[at] = labels[at / (classes * pixels) * pixels + at % pixels] == at / pixels % classes;
  cpu::Morphology(own, slices, *options.morphology, adapted);
  const bool gradient = options.morphology->op >= MorphologyOp::kGradient;
  for (int64_t at = 0; at < std::ssize(own); ++at) {
    const int64_t pixel = at / (classes * pixels) * pixels + at % pixels;
    if (gradient ? adapted[at] : adapted[at] != own[at]) band[pixel] = 1;
    if (options.band) adapted[at] = own[at];
    if (leaves_out && ignored(pixel)) adapted[at] = 0;
  }
  double total = 0, taps_sum = 0;
  for (const float tap : options.taps) taps_sum += tap;
  total = options.scale * std::pow(taps_sum, options.dimensions) + options.centre;
  std::vector<double> out(own.size());
  for (int64_t n = 0; n < grid.batch; ++n)
    for (int64_t i = 0; i < pixels; ++i) {
      std::vector<double> target(classes);
      double left_out = 0, most = 0;
      for (int64_t dz = -rz; dz <= rz; ++dz)
        for (int64_t dy = -ry; dy <= ry; ++dy)
          for (int64_t dx = -r; dx <= r; ++dx) {
            const int64_t z = BorderIndex(i / (size[1] * size[2]) + dz, size[0], options.window_border);
            const int64_t y = BorderIndex(i / size[2] % size[1] + dy, size[1], options.window_border);
            const int64_t x = BorderIndex(i % size[2] + dx, size[2], options.window_border);
            double tap = 1;
            if (weighted) {
              tap = options.scale * options.taps[dx + r];
              if (options.dimensions > 1) tap *= options.taps[dy + r];
              if (options.dimensions > 2) tap *= options.taps[dz + r];
              if (dx == 0 && dy == 0 && dz == 0) tap += options.centre;
            }
            ++most;
            if (z < 0 || y < 0 || x < 0) {
              target[0] += options.window_border == WindowBorder::kBackground ? tap : 0;
              continue;
            }
            const int64_t at = (z * size[1] + y) * size[2] + x;
            if (ignored(n * pixels + at)) left_out += tap;
            for (int64_t c = 0; c < classes; ++c) target[c] += adapted[(n * classes + c) * pixels + at] * tap;
          }
      const std::vector<double> counts = target;
      double sum = 0, below = 0;
      for (const double count : counts) sum += count;
      int64_t pick = -1;
      for (int64_t c = 0; c < classes; ++c) {
        const bool first = pick < 0 && counts[c] > 0;
        below += counts[c];
        if (options.aggregation == Aggregation::kLargest && counts[c] > 0) pick = c;
        if (options.aggregation == Aggregation::kSmallest && first) pick = c;
        if (options.aggregation == Aggregation::kMedian && first && 2 * below >= sum) pick = c;
        if (options.aggregation == Aggregation::kMode && (first || (pick >= 0 && counts[c] > counts[pick])))
          pick = c;
        if (options.aggregation == Aggregation::kAny) target[c] = counts[c] >= 1;
        if (options.aggregation == Aggregation::kAll) target[c] = counts[c] >= most;
        if (options.aggregation == Aggregation::kMajority) target[c] = 2 * counts[c] >= most;
      }
      if (options.aggregation >= Aggregation::kLargest && options.aggregation <= Aggregation::kMode)
        for (int64_t c = 0; c < classes; ++c) target[c] = c == pick;
      double by = 0;
      for (const double value : target) by += value;
      bool hard = (options.band && !band[n * pixels + i]) || (leaves_out && ignored(n * pixels + i));
      if (options.normalization == Normalization::kClasses) by = std::max(by, 1e-6);
      if (options.normalization == Normalization::kLabels) hard |= by <= 0;
      if (options.normalization == Normalization::kWindow)
        by = weighted ? options.divisor * (total - (options.ignore ? left_out : 0)) / total : 1;
      for (int64_t c = 0; c < classes; ++c)
        out[(n * classes + c) * pixels + i] = hard        ? own[(n * classes + c) * pixels + i]
                                              : by > 1e-9 ? target[c] / by
                                                          : 0;
    }
  return out;
}

}  // namespace pixelcal::test
