#pragma once

#include <optional>
#include <span>
#include <vector>

#include "calibrators/fit_pixels.h"
#include "calibrators/log_odds.h"

namespace pixelcal {

// The parts of a calibrator. The centred logits of a pixel in cell k are z, their mean over the classes is 0:
//   x = z, or with `log_probabilities` max(ln softmax(z), least_log)
//   u = a x with a = scales[k], between cells by the pixel's fraction, or fields[pixel]; with `mixing` W x,
//       with `class_scales` u_c = w_c x_c;  + shifts[k]
//   with `margin`: u_l = max(u_l, max over the others + margin), l = argmax z
//   p = softmax(u); with `beta` q_c = sigmoid(a ln p_c - b ln(1 - p_c) + c), the log-odds of p_c clipped to
//       +-16, with `levels` q_c = levels[c][level of p_c]; then q / sum q, and p where the sum is 0
//   with `mixture` w1 p + w2 softmax(z) + w3 / C; with `floors` (1 - e[k]) p + e[k] / C
struct CalibratorForm {
  std::span<const double> scales;        // per cell; empty: 1
  std::span<const float> fields;         // a factor of a for each pixel; empty: 1
  std::span<const double> class_scales;  // [classes] or empty
  std::span<const double> mixing;        // [classes, classes] or empty
  std::span<const double> shifts;        // [cells, classes] or [classes] or empty
  std::span<const double> beta;          // [classes, 3]: a, b and c of every class, or empty
  std::span<const double> levels;        // [classes, kLevels] or empty
  std::span<const double> mixture;       // 3 numbers or empty
  std::span<const double> floors;        // per cell or empty
  std::optional<double> margin;
  double least_log = 0;
  bool log_probabilities = false;
  bool keeps_labels = false;  // then the first largest output is where the first largest logit is
};

struct LossSums {
  double weight = 0, loss = 0;
  int64_t Size() const { return 2; }
  void operator+=(const LossSums& other) {
    weight += other.weight;
    loss += other.loss;
  }
};

namespace cpu {

// Writes the calibrated probabilities, or the logits u (ln p with a mixture or floors), [classes, pixels] as
// float32. All pixels are written, whatever the ranges.
void Calibrate(const FitPixels& pixels, const CalibratorForm& form, bool as_logits, std::span<float> out);

// Sums weight and -ln p[label] over each range.
std::vector<LossSums> CalibratedLoss(const FitPixels& pixels, const CalibratorForm& form);

// Sums the derivatives of the sum of ln(w1 p + w2 softmax(z) + w3 / C)[label] by the weights of the mixture:
// the weight, 3 first and 9 second ones.
void MixtureSums(const FitPixels& pixels, const CalibratorForm& form, std::span<double> sums);

// Sums the first and second derivative of the sum of ln((1 - e) q + e / C) by e at e = floors[k] over each
// cell's pixels, q = p[label] without the floor: sums [cells, 3], the weight first.
void FloorSums(const FitPixels& pixels, const CalibratorForm& form, std::span<double> sums);

}  // namespace cpu
}  // namespace pixelcal
