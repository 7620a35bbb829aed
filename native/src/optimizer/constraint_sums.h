#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/span.h"

namespace pixelcal {

// Constraints on logits [batch, classes, pixels], one per counted pixel and class.
struct Constraints {
  std::span<const float> logits;
  LabelSpan labels;  // [batch, pixels]
  int64_t batch = 1, classes = 2, pixels = 1;
  std::optional<int64_t> ignore = std::nullopt;  // the label of pixels that do not count
  double margin = 1;
  // Without targets the constraint of class c is (the largest logit - its own - margin) / margin, in channel
  // c. With them it is |target - logit| in channel c where `near` is 1, and |margin target - logit| in
  // channel classes + c elsewhere.
  std::span<const float> targets, near;         // as the logits, and as the labels
  std::vector<double> multipliers, parameters;  // per channel
};

// Sums over the counted pixels, a number per channel.
struct ConstraintSums {
  std::vector<double> pushed;       // of max(0, multiplier + parameter h), kept from 1e-6 to 1e6
  std::vector<double> constraints;  // of h
  std::vector<double> seen;         // of the pixels with a constraint in the channel
  int64_t count = 0;                // of the counted pixels
};

namespace cpu {

// Adds up constraints for the multipliers of an augmented Lagrangian, block by block in a fixed order.
ConstraintSums SumConstraints(const Constraints& constraints);

}  // namespace cpu
}  // namespace pixelcal
