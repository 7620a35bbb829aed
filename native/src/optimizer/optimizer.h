#pragma once

#include <span>
#include <vector>

#include "base/error.h"

namespace pixelcal {

struct AdamwOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  int64_t step = 1;           // 1 for the first update
  double gradient_scale = 1;  // multiplies every gradient first: clipping, accumulation
};

struct SgdOptions {
  double learning_rate = 1e-2;
  double momentum = 0;
  bool nesterov = false;
  double gradient_scale = 1;
};

// A parameter array with its gradient, optimizer state (empty if absent) and weight decay; all arrays have
// one length.
struct AdamwParameter {
  std::span<float> values;
  std::span<const float> gradient;
  std::span<float> average;  // running mean of the gradient
  std::span<float> square;   // running mean of its square
  double weight_decay;
};

struct SgdParameter {
  std::span<float> values;
  std::span<const float> gradient;
  std::span<float> velocity;  // empty without momentum
  double weight_decay;
};

namespace cpu {

// Applies decoupled weight decay (Loshchilov & Hutter 2019), in torch.optim.AdamW's float32 arithmetic.
void Adamw(std::span<const AdamwParameter> parameters, const AdamwOptions& options);

// Applies stochastic gradient descent with weight decay added to the gradient, as torch.optim.SGD does.
void Sgd(std::span<const SgdParameter> parameters, const SgdOptions& options);

// Returns the Euclidean norm of all gradients together, in double and in a fixed order.
double GradientNorm(std::span<const std::span<const float>> gradients);

}  // namespace cpu

namespace cuda {

void Adamw(std::span<const AdamwParameter> parameters, const AdamwOptions& options);
void Sgd(std::span<const SgdParameter> parameters, const SgdOptions& options);
double GradientNorm(std::span<const std::span<const float>> gradients);

}  // namespace cuda
}  // namespace pixelcal
