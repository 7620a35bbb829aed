// Fused updates: each array is read and written once, and all arrays of a call are spread over the threads
// together.
#include "optimizer/optimizer.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "optimizer/optimizer_constants.h"

namespace pixelcal {
namespace {

constexpr size_t kPiece = 1 << 14;

// A run of elements of one array.
struct Piece {
  size_t array, begin, count;
};

template <class SizeOf>
std::vector<Piece> Pieces(size_t arrays, const SizeOf& size_of) {
  std::vector<Piece> pieces;
  for (size_t array = 0; array < arrays; ++array) {
    const size_t size = size_of(array);
    for (size_t begin = 0; begin < size; begin += kPiece)
      pieces.push_back({array, begin, std::min(kPiece, size - begin)});
  }
  return pieces;
}

template <class Body>
void ForPieces(const std::vector<Piece>& pieces, const Body& body) {
  ParallelFor(static_cast<int64_t>(pieces.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(pieces[static_cast<size_t>(i)]);
  });
}

void CheckFinite(const char* name, double value, double least) {
  Require(std::isfinite(value) && value >= least, name, ": expected a number of at least ", least, ", got ",
          value);
}

void CheckLength(const char* name, size_t index, size_t length, size_t expected) {
  Require(length == expected, name, "[", index, "]: expected ", expected, " elements, got ", length);
}

}  // namespace

simd::AdamwConstants CheckedConstants(std::span<const AdamwParameter> parameters,
                                      const AdamwOptions& options) {
  CheckFinite("learningRate", options.learning_rate, 0);
  CheckFinite("epsilon", options.epsilon, 0);
  CheckFinite("gradientScale", options.gradient_scale, 0);
  Require(options.beta1 >= 0 && options.beta1 < 1, "beta1: expected at least 0 and below 1, got ",
          options.beta1);
  Require(options.beta2 >= 0 && options.beta2 < 1, "beta2: expected at least 0 and below 1, got ",
          options.beta2);
  Require(options.step >= 1, "step: expected at least 1, got ", options.step);
  for (size_t i = 0; i < parameters.size(); ++i) {
    const AdamwParameter& p = parameters[i];
    CheckLength("gradients", i, p.gradient.size(), p.values.size());
    CheckLength("averages", i, p.average.size(), p.values.size());
    CheckLength("squares", i, p.square.size(), p.values.size());
    CheckFinite("weightDecay", p.weight_decay, 0);
  }
  const auto steps = static_cast<double>(options.step);
  const double correction1 = 1 - std::pow(options.beta1, steps),
               correction2 = 1 - std::pow(options.beta2, steps);
  return {
      static_cast<float>(options.gradient_scale), 1,
      static_cast<float>(1 - options.beta1),      static_cast<float>(options.beta2),
      static_cast<float>(1 - options.beta2),      static_cast<float>(std::sqrt(correction2)),
      static_cast<float>(options.epsilon),        static_cast<float>(options.learning_rate / correction1)};
}

simd::SgdConstants CheckedConstants(std::span<const SgdParameter> parameters, const SgdOptions& options) {
  CheckFinite("learningRate", options.learning_rate, 0);
  CheckFinite("gradientScale", options.gradient_scale, 0);
  Require(options.momentum >= 0 && options.momentum < 1, "momentum: expected at least 0 and below 1, got ",
          options.momentum);
  Require(!options.nesterov || options.momentum > 0, "nesterov: expected a momentum above 0, got 0");
  for (size_t i = 0; i < parameters.size(); ++i) {
    const SgdParameter& p = parameters[i];
    CheckLength("gradients", i, p.gradient.size(), p.values.size());
    CheckLength("velocities", i, p.velocity.size(), options.momentum > 0 ? p.values.size() : 0);
    CheckFinite("weightDecay", p.weight_decay, 0);
  }
  return {static_cast<float>(options.gradient_scale), 0, static_cast<float>(options.momentum),
          static_cast<float>(options.learning_rate)};
}

namespace cpu {

void Adamw(std::span<const AdamwParameter> parameters, const AdamwOptions& options) {
  const simd::AdamwConstants shared = CheckedConstants(parameters, options);
  const auto pieces = Pieces(parameters.size(), [&](size_t i) { return parameters[i].values.size(); });
  ForPieces(pieces, [&](const Piece& piece) {
    const AdamwParameter& p = parameters[piece.array];
    simd::AdamwConstants constants = shared;
    constants.decay = static_cast<float>(1 - options.learning_rate * p.weight_decay);
    OptimizerLoops().adamw(p.values.data() + piece.begin, p.gradient.data() + piece.begin,
                           p.average.data() + piece.begin, p.square.data() + piece.begin, piece.count,
                           constants);
  });
}

void Sgd(std::span<const SgdParameter> parameters, const SgdOptions& options) {
  const simd::SgdConstants shared = CheckedConstants(parameters, options);
  const auto pieces = Pieces(parameters.size(), [&](size_t i) { return parameters[i].values.size(); });
  ForPieces(pieces, [&](const Piece& piece) {
    const SgdParameter& p = parameters[piece.array];
    simd::SgdConstants constants = shared;
    constants.decay = static_cast<float>(p.weight_decay);
    const simd::OptimizerTable& loops = OptimizerLoops();
    float* values = p.values.data() + piece.begin;
    const float* gradient = p.gradient.data() + piece.begin;
    if (options.momentum == 0)
      loops.sgd(values, gradient, piece.count, constants);
    else if (options.nesterov)
      loops.nesterov(values, gradient, p.velocity.data() + piece.begin, piece.count, constants);
    else
      loops.momentum(values, gradient, p.velocity.data() + piece.begin, piece.count, constants);
  });
}

double GradientNorm(std::span<const std::span<const float>> gradients) {
  const auto pieces = Pieces(gradients.size(), [&](size_t i) { return gradients[i].size(); });
  std::vector<double> sums(pieces.size());
  ForPieces(pieces, [&](const Piece& piece) {
    sums[static_cast<size_t>(&piece - pieces.data())] =
        OptimizerLoops().sum_of_squares(gradients[piece.array].data() + piece.begin, piece.count);
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return std::sqrt(total);
}

}  // namespace cpu
}  // namespace pixelcal
