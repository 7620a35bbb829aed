// Checks values of predictions and turns them into probabilities block by block: 2048 pixels whose sums over
// the classes stay in the first-level cache. One pass over memory each, O(classes x pixels).
#include "calibration/probability_values.h"

#include <algorithm>
#include <array>
#include <limits>
#include <mutex>

#include "base/error.h"
#include "base/parallel.h"
#include "base/shape.h"
#include "calibration/class_sums.h"
#include "calibration/portable_exp.h"
#include "labels/bad_pixels.h"
#include "labels/float_rows.h"
#include "labels/label_codes.h"
#include "labels/pixel_rows_loops.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kBlock = 2048;
constexpr int64_t kGrain = 4;

using Row = std::array<float, kBlock>;
using Sums = std::array<double, kBlock>;
using Flags = std::array<bool, kBlock>;

void Note(Outside& outside, int64_t place) {
  if (outside.count++ == 0 || place < outside.first) outside.first = place;
}

void Merge(Outside& into, const Outside& from) {
  if (from.count == 0) return;
  into.first = into.count == 0 ? from.first : std::min(into.first, from.first);
  into.count += from.count;
}

void CheckValues(const ClassValues& values) {
  Require(values.classes >= 1 && values.classes <= kMaxClasses, "classes: expected 1 to ", kMaxClasses,
          ", got ", values.classes);
  Require(values.pixels >= 1, "pixels: expected at least 1, got ", values.pixels);
  const int64_t count = CheckedProduct(values.classes, values.pixels);
  Require(Size(values.values) == count, "values: expected ", count, " values, got ", Size(values.values));
  Require(!values.ignore || Size(values.labels) == values.pixels, "labels: expected ", values.pixels,
          " pixels, got ", Size(values.labels));
}

// A run of pixels.
struct Block {
  int64_t start, count;
};

// Calls body(block) for all pixels, on any thread.
template <class Body>
void ForBlocks(int64_t pixels, const Body& body) {
  ParallelFor((pixels - 1) / kBlock + 1, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item)
      body(Block{item * kBlock, std::min(kBlock, pixels - item * kBlock)});
  });
}

const float* RowOf(const ClassValues& values, int64_t c, Block block, Row& room) {
  return FloatsAt(values.values, c * values.pixels + block.start, block.count, room.data());
}

// Marks the ignored pixels; returns false if there are none.
bool Ignored(const ClassValues& values, Block block, Flags& ignored) {
  if (!values.ignore) return false;
  bool any = false;
  std::visit(
      [&](auto labels) {
        for (int64_t i = 0; i < block.count; ++i)
          any |= ignored[i] = static_cast<int64_t>(labels[block.start + i]) == *values.ignore;
      },
      values.labels);
  return any;
}

// Inspects the values of a block one by one.
void InspectRows(const ClassValues& values, const ValueLimits& limits, Block block, const Flags* ignored,
                 ValueFindings& found) {
  Row room;
  for (int64_t c = 0; c < values.classes; ++c) {
    const float* row = RowOf(values, c, block, room);
    for (int64_t i = 0; i < block.count; ++i) {
      const double value = row[i];
      if (!(value >= 0 && value <= 1)) found.within_unit = false;
      if (value >= limits.low && value <= limits.high) continue;
      if (ignored && (*ignored)[i]) continue;
      Note(found.values, c * values.pixels + block.start + i);
    }
  }
}

Outside OutsideSums(const Sums& sums, Block block, double low, double high, const Flags* ignored) {
  Outside outside;
  if (!AnyOutside(sums.data(), block.count, low, high)) return outside;
  for (int64_t i = 0; i < block.count; ++i)
    if (!(sums[i] >= low && sums[i] <= high) && !(ignored && (*ignored)[i])) Note(outside, block.start + i);
  return outside;
}

void Softmax(const ClassValues& values, Block block, float* out, Sums& sums) {
  Row room;
  Sums largest;
  std::fill_n(largest.begin(), block.count, -std::numeric_limits<double>::infinity());
  for (int64_t c = 0; c < values.classes; ++c) {
    const float* row = RowOf(values, c, block, room);
    for (int64_t i = 0; i < block.count; ++i)
      if (row[i] > largest[i]) largest[i] = row[i];
  }
  for (int64_t c = 0; c < values.classes; ++c) {
    const float* row = RowOf(values, c, block, room);
    float* to = out + c * values.pixels + block.start;
    for (int64_t i = 0; i < block.count; ++i) {
      const double power = PortableExp(row[i] - largest[i]);
      to[i] = static_cast<float>(power);
      sums[i] += power;
    }
  }
  for (int64_t c = 0; c < values.classes; ++c) {
    float* to = out + c * values.pixels + block.start;
    for (int64_t i = 0; i < block.count; ++i) to[i] = static_cast<float>(to[i] / sums[i]);
  }
}

void Sigmoid(const ClassValues& values, Block block, float* out, Sums& sums) {
  Row room;
  const auto sigmoid = [](double logit) { return static_cast<float>(1 / (1 + PortableExp(-logit))); };
  for (int64_t c = 0; c < 2; ++c) {
    // A single channel is the foreground's; the background's logit is its negative.
    const bool opposite = values.classes == 1 && c == 0;
    const float* row = RowOf(values, values.classes == 1 ? 0 : c, block, room);
    float* to = out + c * values.pixels + block.start;
    for (int64_t i = 0; i < block.count; ++i) to[i] = sigmoid(opposite ? -row[i] : row[i]);
    AddRow(to, block.count, sums.data());
  }
}

void Normalize(const ClassValues& values, Block block, float* out, Sums& sums) {
  Row room;
  for (int64_t c = 0; c < values.classes; ++c)
    AddRow(RowOf(values, c, block, room), block.count, sums.data());
  for (int64_t c = 0; c < values.classes; ++c) {
    const float* row = RowOf(values, c, block, room);
    float* to = out + c * values.pixels + block.start;
    for (int64_t i = 0; i < block.count; ++i) to[i] = static_cast<float>(row[i] / sums[i]);
  }
}

void Clamp(const ClassValues& values, Block block, float* out) {
  Row room;
  for (int64_t c = 0; c < values.classes; ++c) {
    const float* row = RowOf(values, c, block, room);
    float* to = out + c * values.pixels + block.start;
    for (int64_t i = 0; i < block.count; ++i) to[i] = row[i] > 0 ? std::min(row[i], 1.0f) : 0.0f;
  }
}

}  // namespace

ValueFindings InspectValues(const ClassValues& values, const ValueLimits& limits) {
  CheckValues(values);
  const bool unit_is_valid = limits.low <= 0 && limits.high >= 1;
  ValueFindings all;
  std::mutex mutex;
  ForBlocks(values.pixels, [&](Block block) {
    Row room;
    Sums sums{};
    Flags flags;
    bool sure = unit_is_valid;
    for (int64_t c = 0; c < values.classes; ++c) {
      const float* row = RowOf(values, c, block, room);
      sure = sure && PixelRowsLoops().in_unit(row, block.count);
      AddRow(row, block.count, sums.data());
    }
    if (sure && !AnyOutside(sums.data(), block.count, limits.low_sum, limits.high_sum)) return;
    const Flags* ignored = Ignored(values, block, flags) ? &flags : nullptr;
    ValueFindings found;
    if (!sure) InspectRows(values, limits, block, ignored, found);
    found.sums = OutsideSums(sums, block, limits.low_sum, limits.high_sum, ignored);
    const std::lock_guard lock(mutex);
    all.within_unit = all.within_unit && found.within_unit;
    Merge(all.values, found.values);
    if (found.sums.count > 0 && (all.sums.count == 0 || found.sums.first < all.sums.first))
      all.sum = sums[found.sums.first - block.start];
    Merge(all.sums, found.sums);
  });
  return all;
}

Outside ToProbabilities(const ClassValues& values, ValueTransform transform, double tolerance,
                        std::span<float> out) {
  CheckValues(values);
  const int64_t classes = std::max<int64_t>(values.classes, 2);
  Require(std::ssize(out) == CheckedProduct(classes, values.pixels), "out: expected ",
          CheckedProduct(classes, values.pixels), " values, got ", out.size());
  const bool sigmoid = transform == ValueTransform::kSigmoid;
  Require(sigmoid ? values.classes <= 2 : values.classes >= 2, "values: expected ",
          sigmoid ? "1 or 2" : "2 or more", " classes, got ", values.classes);
  const double low = sigmoid ? 1 - tolerance : 1;
  const double high = sigmoid ? 1 + tolerance : std::numeric_limits<double>::max();
  Outside all;
  std::mutex mutex;
  ForBlocks(values.pixels, [&](Block block) {
    Sums sums{};
    switch (transform) {
      case ValueTransform::kClamp:
        Clamp(values, block, out.data());
        break;
      case ValueTransform::kSoftmax:
        Softmax(values, block, out.data(), sums);
        break;
      case ValueTransform::kSigmoid:
        Sigmoid(values, block, out.data(), sums);
        break;
      case ValueTransform::kNormalize:
        Normalize(values, block, out.data(), sums);
        break;
    }
    Flags flags;
    const bool any_ignored = Ignored(values, block, flags);
    if (sigmoid || transform == ValueTransform::kSoftmax) {
      const Outside outside = OutsideSums(sums, block, low, high, any_ignored ? &flags : nullptr);
      const std::lock_guard lock(mutex);
      Merge(all, outside);
    }
    if (!any_ignored) return;
    for (int64_t c = 0; c < classes; ++c)
      for (int64_t i = 0; i < block.count; ++i)
        if (flags[i])
          out[c * values.pixels + block.start + i] = static_cast<float>(1.0 / static_cast<double>(classes));
  });
  return all;
}

}  // namespace pixelcal::cpu
