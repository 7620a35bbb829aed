// Blocks of centred logits in double, one row a class, go through the parts of the form; O(classes x pixels),
// with a mixing matrix O(classes^2 x pixels).
#include "calibrators/calibrate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/scratch.h"
#include "calibrators/softmax_loops.h"
#include "labels/bad_pixels.h"

namespace pixelcal::cpu {
namespace {

using Row = std::array<double, kFitBlock>;

// One run of pixels on its way to probabilities.
class Block {
 public:
  Block(const FitPixels& pixels, const CalibratorForm& form)
      : pixels_(pixels),
        form_(form),
        size_(static_cast<size_t>(pixels.classes * kFitBlock)),
        z_(Scratch<double, struct CalibratedInputs>(size_)),
        u_(Scratch<double, struct CalibratedOutputs>(size_)),
        p_(Scratch<double, struct CalibratedProbabilities>(size_)) {}

  // Computes ln p, and u where nothing follows the softmax.
  void Run(const FitRun& run) {
    run_ = run;
    SoftmaxLoops().centre(pixels_.logits.data() + run.start, pixels_.pixels, pixels_.classes, run.count, z_,
                          kFitBlock, top_.data());
    Transform();
    if (form_.margin) KeepLabels(*form_.margin);
    SoftmaxLoops().log_softmax(u_, kFitBlock, pixels_.classes, run.count, p_, normalizer_.data());
    one_vs_rest_ = !form_.beta.empty() || !form_.levels.empty();
    if (one_vs_rest_) OneVersusRest();
    if (!form_.mixture.empty()) Mix();
  }

  int64_t Predicted(int64_t i) const { return top_[i]; }
  int64_t Cell(int64_t i) const { return pixels_.cells.empty() ? 0 : pixels_.cells[run_.start + i]; }
  double U(int64_t c, int64_t i) const { return u_[c * kFitBlock + i]; }
  // Returns p before the floor.
  double P(int64_t c, int64_t i) const { return p_[c * kFitBlock + i]; }
  // Returns ln p before the floor: u - ln sum e^u also where p underflows.
  double LogP(int64_t c, int64_t i) const { return Plain() ? U(c, i) - normalizer_[i] : std::log(P(c, i)); }
  // Returns whether p is softmax(u).
  bool Plain() const { return form_.mixture.empty() && !one_vs_rest_; }
  // Returns the parts of the mixture: p, softmax(z) and 1 / C of a class.
  std::array<double, 3> Parts(int64_t c, int64_t i) const {
    return {parts_[c * kFitBlock + i], plain_[c * kFitBlock + i], 1 / static_cast<double>(pixels_.classes)};
  }
  double Floored(int64_t i, double p) const {
    const double e = form_.floors[Cell(i)];
    return (1 - e) * p + e / static_cast<double>(pixels_.classes);
  }

 private:
  double* Z(int64_t c) { return z_ + c * kFitBlock; }
  double* Out(int64_t c) { return u_ + c * kFitBlock; }

  void Transform() {
    if (form_.log_probabilities) {
      SoftmaxLoops().log_softmax(z_, kFitBlock, pixels_.classes, run_.count, p_, normalizer_.data());
      for (int64_t c = 0; c < pixels_.classes; ++c)
        for (int64_t i = 0; i < run_.count; ++i)
          Z(c)[i] = std::max(Z(c)[i] - normalizer_[i], form_.least_log);
    }
    Row scale;
    for (int64_t i = 0; i < run_.count; ++i) scale[i] = Scale(i);
    for (int64_t c = 0; c < pixels_.classes; ++c) {
      double* out = Out(c);
      if (form_.mixing.empty()) {
        const double factor = form_.class_scales.empty() ? 1 : form_.class_scales[c];
        for (int64_t i = 0; i < run_.count; ++i) out[i] = scale[i] * factor * Z(c)[i];
      } else {
        std::fill_n(out, run_.count, 0.0);
        for (int64_t j = 0; j < pixels_.classes; ++j) {
          const double weight = form_.mixing[c * pixels_.classes + j];
          for (int64_t i = 0; i < run_.count; ++i) out[i] += weight * Z(j)[i];
        }
      }
      if (form_.shifts.empty()) continue;
      const bool shared = std::ssize(form_.shifts) == pixels_.classes;
      for (int64_t i = 0; i < run_.count; ++i)
        out[i] += form_.shifts[(shared ? 0 : Cell(i)) * pixels_.classes + c];
    }
  }

  double Scale(int64_t i) const {
    const double field = form_.fields.empty() ? 1 : form_.fields[run_.start + i];
    if (form_.scales.empty()) return field;
    const double here = form_.scales[Cell(i)];
    if (pixels_.fractions.empty()) return field * here;
    const double t = pixels_.fractions[run_.start + i];
    return field * ((1 - t) * here + t * form_.scales[Cell(i) + 1]);
  }

  void KeepLabels(double margin) {
    for (int64_t i = 0; i < run_.count; ++i) {
      double others = -std::numeric_limits<double>::infinity();
      for (int64_t c = 0; c < pixels_.classes; ++c)
        if (c != Predicted(i)) others = std::max(others, U(c, i));
      double& own = Out(Predicted(i))[i];
      own = std::max(own, others + margin);
    }
  }

  void Mix() {
    const double rest = form_.mixture[2] / static_cast<double>(pixels_.classes);
    parts_ = Scratch<double, struct CalibratedParts>(size_);
    plain_ = Scratch<double, struct CalibratedPlain>(size_);
    SoftmaxLoops().log_softmax(z_, kFitBlock, pixels_.classes, run_.count, plain_, normalizer_.data());
    for (int64_t c = 0; c < pixels_.classes; ++c)
      for (int64_t i = 0; i < run_.count; ++i) {
        const int64_t at = c * kFitBlock + i;
        parts_[at] = p_[at];
        p_[at] = form_.mixture[0] * p_[at] + form_.mixture[1] * plain_[at] + rest;
      }
  }

  void OneVersusRest() {
    double* q = Scratch<double, struct CalibratedOneVersusRest>(static_cast<size_t>(pixels_.classes));
    for (int64_t i = 0; i < run_.count; ++i) {
      double sum = 0;
      for (int64_t c = 0; c < pixels_.classes; ++c) {
        const double x = ClippedLogOdds(p_ + i, kFitBlock, pixels_.classes, c);
        if (!form_.levels.empty()) {
          q[c] = form_.levels[c * kLevels + LogOddsLevel(x)];
        } else {
          const double log_p = -std::log1p(std::exp(-x)), log_rest = -std::log1p(std::exp(x));
          const double* of_class = form_.beta.data() + 3 * c;
          q[c] = 1 / (1 + std::exp(-(of_class[0] * log_p - of_class[1] * log_rest + of_class[2])));
        }
        sum += q[c];
      }
      if (!(sum > 0)) continue;
      for (int64_t c = 0; c < pixels_.classes; ++c) p_[c * kFitBlock + i] = q[c] / sum;
    }
  }

  const FitPixels& pixels_;
  const CalibratorForm& form_;
  const size_t size_;
  double *z_, *u_, *p_, *parts_ = nullptr, *plain_ = nullptr;
  bool one_vs_rest_ = false;
  Row normalizer_;
  std::array<uint16_t, kFitBlock> top_;
  FitRun run_{};
};

void CheckForm(const FitPixels& pixels, const CalibratorForm& form) {
  CheckFitPixels(pixels);
  const int64_t classes = pixels.classes;
  int64_t cells = 1;
  for (const uint16_t cell : pixels.cells) cells = std::max<int64_t>(cells, cell + 1);
  const auto length = [](const char* name, const auto& values, std::initializer_list<int64_t> expected) {
    Require(values.empty() || std::ranges::count(expected, std::ssize(values)) > 0, name, ": expected ",
            *expected.begin(), " values, got ", values.size());
  };
  const int64_t needed = cells + (pixels.fractions.empty() ? 0 : 1);
  Require(form.scales.empty() || std::ssize(form.scales) >= needed, "scales: expected ", needed,
          " values, got ", form.scales.size());
  length("fields", form.fields, {pixels.pixels});
  length("classScales", form.class_scales, {classes});
  length("mixing", form.mixing, {classes * classes});
  length("mixture", form.mixture, {3});
  length("beta", form.beta, {3 * classes});
  length("levels", form.levels, {kLevels * classes});
  Require(
      form.shifts.empty() || std::ssize(form.shifts) == classes || std::ssize(form.shifts) >= cells * classes,
      "shifts: expected ", cells * classes, " values, got ", form.shifts.size());
  Require(form.floors.empty() || std::ssize(form.floors) >= cells, "floors: expected ", cells,
          " values, got ", form.floors.size());
}

// Moves the output of the predicted label up by one unit where rounding made another one the first largest.
void KeepFirstLargest(std::span<float> out, int64_t classes, int64_t stride, int64_t at, int64_t predicted) {
  int64_t winner = 0;
  for (int64_t c = 1; c < classes; ++c)
    if (out[c * stride + at] > out[winner * stride + at]) winner = c;
  if (winner != predicted)
    out[predicted * stride + at] =
        std::nextafter(out[winner * stride + at], std::numeric_limits<float>::infinity());
}

}  // namespace

void Calibrate(const FitPixels& pixels, const CalibratorForm& form, bool as_logits, std::span<float> out) {
  CheckForm(pixels, form);
  Require(std::ssize(out) == pixels.classes * pixels.pixels, "out: expected ", pixels.classes * pixels.pixels,
          " values, got ", out.size());
  BadPixels bad;
  const bool floored = !form.floors.empty();
  ParallelFor((pixels.pixels + kFitBlock - 1) / kFitBlock, 8, [&](int64_t begin, int64_t end) {
    Block block(pixels, form);
    for (int64_t item = begin; item < end; ++item) {
      const FitRun run{0, item * kFitBlock, std::min(kFitBlock, pixels.pixels - item * kFitBlock)};
      block.Run(run);
      for (int64_t c = 0; c < pixels.classes; ++c) {
        float* to = out.data() + c * pixels.pixels + run.start;
        for (int64_t i = 0; i < run.count; ++i) {
          const double p = floored ? block.Floored(i, block.P(c, i)) : block.P(c, i);
          const bool plain = !floored && block.Plain();
          to[i] = static_cast<float>(!as_logits ? p : plain ? block.U(c, i) : std::log(p));
          if (!(p >= 0)) bad.Add(run.start + i);
        }
      }
      if (!form.keeps_labels) continue;
      for (int64_t i = 0; i < run.count; ++i)
        KeepFirstLargest(out, pixels.classes, pixels.pixels, run.start + i, block.Predicted(i));
    }
  });
  Require(bad.count == 0, "logits: expected finite numbers, got others at pixel ", bad.first.load());
}

std::vector<LossSums> CalibratedLoss(const FitPixels& pixels, const CalibratorForm& form) {
  CheckForm(pixels, form);
  return SumRuns(pixels, LossSums{}, true, [&](const FitRun& run, LossSums& sums) {
    Block block(pixels, form);
    block.Run(run);
    for (int64_t i = 0; i < run.count; ++i) {
      const int64_t label = pixels.labels[run.start + i];
      const double weight = pixels.Weight(run.start + i);
      sums.weight += weight;
      sums.loss -= weight * (form.floors.empty() ? block.LogP(label, i)
                                                 : std::log(block.Floored(i, block.P(label, i))));
    }
  });
}

void FloorSums(const FitPixels& pixels, const CalibratorForm& form, std::span<double> sums) {
  CheckForm(pixels, form);
  const auto cells = std::ssize(form.floors);
  Require(cells > 0 && std::ssize(sums) == 3 * cells, "sums: expected ", 3 * cells, " values, got ",
          sums.size());
  const auto all = SumRuns(
      pixels, CellSums{std::vector<double>(sums.size())}, false, [&](const FitRun& run, CellSums& chunk) {
        Block block(pixels, form);
        block.Run(run);
        for (int64_t i = 0; i < run.count; ++i) {
          const double q = block.P(pixels.labels[run.start + i], i);
          const double up = 1 / static_cast<double>(pixels.classes) - q;
          const double ratio = up / block.Floored(i, q), weight = pixels.Weight(run.start + i);
          double* at = chunk.values.data() + 3 * block.Cell(i);
          at[0] += weight;
          at[1] += weight * ratio;
          at[2] -= weight * ratio * ratio;
        }
      });
  std::ranges::copy(all[0].values, sums.begin());
}

void MixtureSums(const FitPixels& pixels, const CalibratorForm& form, std::span<double> sums) {
  CheckForm(pixels, form);
  Require(form.mixture.size() == 3 && sums.size() == 13, "sums: expected 13 values, got ", sums.size());
  const auto all =
      SumRuns(pixels, CellSums{std::vector<double>(13)}, false, [&](const FitRun& run, CellSums& chunk) {
        Block block(pixels, form);
        block.Run(run);
        for (int64_t i = 0; i < run.count; ++i) {
          const int64_t label = pixels.labels[run.start + i];
          std::array<double, 3> ratio = block.Parts(label, i);
          for (double& part : ratio) part /= block.P(label, i);
          const double weight = pixels.Weight(run.start + i);
          chunk.values[0] += weight;
          for (size_t j = 0; j < 3; ++j) {
            chunk.values[1 + j] += weight * ratio[j];
            for (size_t k = 0; k < 3; ++k) chunk.values[4 + 3 * j + k] -= weight * ratio[j] * ratio[k];
          }
        }
      });
  std::ranges::copy(all[0].values, sums.begin());
}

}  // namespace pixelcal::cpu
