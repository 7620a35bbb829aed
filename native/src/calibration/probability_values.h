#pragma once

// The values in a file of predictions: whether they are probabilities, and their conversion to probabilities.

#include <cstdint>
#include <optional>
#include <span>

#include "base/span.h"

namespace pixelcal {

// The values [classes, pixels]. Pixels whose label is `ignore` may hold any values.
struct ClassValues {
  FloatSpan values;
  int64_t classes = 1, pixels = 1;
  LabelSpan labels;  // [pixels]; not read without `ignore`
  std::optional<int64_t> ignore;
};

// The closed ranges of values and of their sums over the classes, in double.
struct ValueLimits {
  double low, high, low_sum, high_sum;
};

// The number of pixels outside, and the first.
struct Outside {
  int64_t count = 0, first = -1;
};

struct ValueFindings {
  bool within_unit = true;  // whether all values, those of ignored pixels too, are in [0, 1]
  Outside values;           // outside of the limits or NaN; the first by its offset in the array
  Outside sums;             // pixels
  double sum = 0;           // at the first of those pixels
};

enum class ValueTransform { kClamp, kSoftmax, kSigmoid, kNormalize };

namespace cpu {

ValueFindings InspectValues(const ClassValues& values, const ValueLimits& limits);

// Writes the probabilities [max(classes, 2), pixels] that the values stand for, equal ones at ignored pixels:
// kClamp cuts them off at 0 and 1; kSoftmax takes the softmax over classes; kSigmoid the sigmoid of each
// of two channels, or of the foreground's alone; kNormalize divides by the sum over classes. Returns the
// pixels for which there are none: logits without a finite softmax, sigmoids that miss the sum of 1 by more
// than `tolerance`. Computes in double by V8's functions, so that the bits are those of JavaScript.
Outside ToProbabilities(const ClassValues& values, ValueTransform transform, double tolerance,
                        std::span<float> out);

}  // namespace cpu
}  // namespace pixelcal
