// Gradient and Hessian of the log loss by the chain rule: with J = du / dparameters they are J^T (p - y) and
// J^T (diag p - p p^T) J. J is sparse, so each kind has loops of its own.
#include "calibrators/linear_sums.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/scratch.h"
#include "calibrators/softmax_loops.h"

namespace pixelcal::cpu {
namespace {

// One run of pixels: inputs x, outputs u and probabilities, class c of pixel i at c * kFitBlock + i.
class Run {
 public:
  Run(const FitPixels& pixels, const LinearModel& model, const FitRun& run)
      : pixels_(pixels), model_(model), run_(run), classes_(pixels.classes) {
    const auto size = static_cast<size_t>(classes_ * kFitBlock);
    x_ = Scratch<double, struct LinearInputs>(size);
    u_ = Scratch<double, struct LinearOutputs>(size);
    p_ = Scratch<double, struct LinearProbabilities>(size);
    std::array<uint16_t, kFitBlock> top;
    SoftmaxLoops().centre(pixels.logits.data() + run.start, pixels.pixels, classes_, run.count, x_, kFitBlock,
                          top.data());
    if (model.log_probabilities) {
      SoftmaxLoops().log_softmax(x_, kFitBlock, classes_, run.count, p_, normalizer_.data());
      for (int64_t c = 0; c < classes_; ++c)
        for (int64_t i = 0; i < run.count; ++i)
          x_[c * kFitBlock + i] = std::max(x_[c * kFitBlock + i] - normalizer_[i], model.least_log);
    }
    for (int64_t c = 0; c < classes_; ++c) Outputs(c);
    SoftmaxLoops().log_softmax(u_, kFitBlock, classes_, run.count, p_, normalizer_.data());
  }

  int64_t Cell(int64_t i) const {
    return model_.kind != LinearKind::kAffine || pixels_.cells.empty() ? 0 : pixels_.cells[run_.start + i];
  }

  // Adds pixel i to the sums of its cell.
  void Add(int64_t i, double* sums, double* room) const {
    const double weight = pixels_.Weight(run_.start + i);
    const int64_t label = pixels_.labels[run_.start + i], count = LinearParameters(model_.kind, classes_);
    sums[0] += weight;
    sums[1] += weight * (normalizer_[i] - u_[label * kFitBlock + i]);
    double* p = room;
    double* x = room + classes_;
    for (int64_t c = 0; c < classes_; ++c) {
      p[c] = p_[c * kFitBlock + i];
      x[c] = x_[c * kFitBlock + i];
    }
    x[classes_] = 1;
    if (model_.kind == LinearKind::kAffine) AddAffine(p, x, label, weight, sums + 2, sums + 2 + count);
    if (model_.kind == LinearKind::kVector) AddVector(p, x, label, weight, sums + 2, sums + 2 + count);
    if (model_.kind == LinearKind::kMatrix) AddMatrix(p, x, label, weight, sums + 2, sums + 2 + count);
  }

 private:
  void Outputs(int64_t c) {
    double* u = u_ + c * kFitBlock;
    const double* x = x_ + c * kFitBlock;
    const double* parameters = model_.parameters.data();
    if (model_.kind == LinearKind::kAffine) {
      for (int64_t i = 0; i < run_.count; ++i) {
        const double* at = parameters + Cell(i) * (1 + classes_);
        u[i] = at[0] * x[i] + at[1 + c];
      }
      return;
    }
    if (model_.kind == LinearKind::kVector) {
      for (int64_t i = 0; i < run_.count; ++i) u[i] = parameters[2 * c] * x[i] + parameters[2 * c + 1];
      return;
    }
    const double* row = parameters + c * (classes_ + 1);
    std::fill_n(u, run_.count, row[classes_]);
    for (int64_t j = 0; j < classes_; ++j)
      for (int64_t i = 0; i < run_.count; ++i) u[i] += row[j] * x_[j * kFitBlock + i];
  }

  void AddAffine(const double* p, const double* x, int64_t label, double weight, double* gradient,
                 double* hessian) const {
    const int64_t count = 1 + classes_;
    double mean = 0, variance = 0;
    for (int64_t c = 0; c < classes_; ++c) mean += p[c] * x[c];
    for (int64_t c = 0; c < classes_; ++c) variance += p[c] * (x[c] - mean) * (x[c] - mean);
    gradient[0] += weight * (mean - x[label]);
    hessian[0] += weight * variance;
    for (int64_t c = 0; c < classes_; ++c) {
      const double mixed = weight * p[c] * (x[c] - mean);
      gradient[1 + c] += weight * (p[c] - (c == label));
      hessian[1 + c] += mixed;
      hessian[(1 + c) * count] += mixed;
      double* row = hessian + (1 + c) * count + 1;
      for (int64_t d = 0; d < classes_; ++d) row[d] -= weight * p[c] * p[d];
      row[c] += weight * p[c];
    }
  }

  void AddVector(const double* p, const double* x, int64_t label, double weight, double* gradient,
                 double* hessian) const {
    for (int64_t c = 0; c < classes_; ++c) {
      const double slope = weight * (p[c] - (c == label));
      gradient[2 * c] += slope * x[c];
      gradient[2 * c + 1] += slope;
      for (int64_t d = 0; d < classes_; ++d) {
        const double h = weight * ((c == d ? p[c] : 0) - p[c] * p[d]);
        double* at = hessian + 4 * c * classes_ + 2 * d;
        at[0] += h * x[c] * x[d];
        at[1] += h * x[c];
        at[2 * classes_] += h * x[d];
        at[2 * classes_ + 1] += h;
      }
    }
  }

  // The Hessian is summed for classes d >= c only, and completed at the end.
  void AddMatrix(const double* p, const double* x, int64_t label, double weight, double* gradient,
                 double* hessian) const {
    const int64_t inputs = classes_ + 1, count = classes_ * inputs;
    for (int64_t c = 0; c < classes_; ++c) {
      const double slope = weight * (p[c] - (c == label));
      for (int64_t j = 0; j < inputs; ++j) gradient[c * inputs + j] += slope * x[j];
      for (int64_t d = c; d < classes_; ++d) {
        const double h = weight * ((c == d ? p[c] : 0) - p[c] * p[d]);
        for (int64_t j = 0; j < inputs; ++j) {
          double* row = hessian + (c * inputs + j) * count + d * inputs;
          const double hx = h * x[j];
          for (int64_t k = 0; k < inputs; ++k) row[k] += hx * x[k];
        }
      }
    }
  }

  const FitPixels& pixels_;
  const LinearModel& model_;
  const FitRun run_;
  const int64_t classes_;
  double *x_, *u_, *p_;
  std::array<double, kFitBlock> normalizer_;
};

}  // namespace

int64_t LinearParameters(LinearKind kind, int64_t classes) {
  if (kind == LinearKind::kAffine) return 1 + classes;
  return kind == LinearKind::kVector ? 2 * classes : classes * (classes + 1);
}

void LinearSums(const FitPixels& pixels, const LinearModel& model, std::span<double> sums) {
  CheckFitPixels(pixels);
  const int64_t count = LinearParameters(model.kind, pixels.classes), size = 2 + count + count * count;
  const int64_t cells = std::ssize(model.parameters) / count;
  Require(cells >= 1 && std::ssize(model.parameters) == cells * count, "parameters: expected multiples of ",
          count, " values, got ", model.parameters.size());
  Require(std::ssize(sums) == cells * size, "sums: expected ", cells * size, " values, got ", sums.size());
  if (model.kind == LinearKind::kAffine)
    Require(std::ranges::all_of(pixels.cells, [&](uint16_t k) { return k < cells; }), "cells: expected 0 to ",
            cells - 1);
  const auto all = SumRuns(
      pixels, CellSums{std::vector<double>(sums.size())}, false, [&](const FitRun& run, CellSums& chunk) {
        const Run block(pixels, model, run);
        double* room = Scratch<double, struct LinearPixel>(static_cast<size_t>(2 * pixels.classes + 1));
        for (int64_t i = 0; i < run.count; ++i)
          block.Add(i, chunk.values.data() + block.Cell(i) * size, room);
      });
  std::ranges::copy(all[0].values, sums.begin());
  if (model.kind != LinearKind::kMatrix) return;
  double* hessian = sums.data() + 2 + count;
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < i; ++j)
      if (i / (pixels.classes + 1) != j / (pixels.classes + 1))
        hessian[i * count + j] = hessian[j * count + i];
}

}  // namespace pixelcal::cpu
