#pragma once

#include <span>

#include "calibrators/fit_pixels.h"

namespace pixelcal {

// Calibrators whose logits u are linear in their parameters, for x = z centred, or with `log_probabilities`
// max(ln softmax(z), least_log):
//   kAffine: u_c = a z_c + b_c; parameters [cells, 1 + classes]
//   kVector: u_c = w_c z_c + b_c; parameters [classes, 2]
//   kMatrix: u = W x + b; parameters [classes, classes + 1]
enum class LinearKind { kAffine, kVector, kMatrix };

struct LinearModel {
  LinearKind kind;
  std::span<const double> parameters;
  double least_log = 0;
  bool log_probabilities = false;
};

namespace cpu {

// Returns the number of parameters of a cell.
int64_t LinearParameters(LinearKind kind, int64_t classes);

// Sums per cell the weight, the loss -ln softmax(u)[label], its gradient [P] and its Hessian [P, P]: sums
// [cells, 2 + P + P^2]. The loss is convex. O((classes^2 + P^2) x pixels).
void LinearSums(const FitPixels& pixels, const LinearModel& model, std::span<double> sums);

}  // namespace cpu
}  // namespace pixelcal
