#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "calibrators/boundary_depth.h"
#include "calibrators/calibrate.h"
#include "calibrators/pack_pixels.h"
#include "calibrators/scale_sums.h"
#include "cases.h"
#include "check.h"
#include "isa.h"

namespace pixelcal::test {
namespace {

// The depth by its definition: every window is looked at.
std::vector<uint8_t> DepthTwin(const std::vector<uint8_t>& labels, const Grid& grid,
                               const std::vector<uint8_t>& growth) {
  const auto [depth, height, width] = grid.size;  // missing axes come last here, with size 1
  std::vector<uint8_t> result;
  for (int64_t at = 0; at < grid.Count(); ++at) {
    const int64_t pixels = grid.Pixels(), first = at / pixels * pixels, i = at % pixels;
    const std::array<int64_t, 3> place{i / (height * width), i / width % height, i % width};
    std::array<int64_t, 3> half{0, 0, 0};
    uint8_t uniform = 0;
    for (const uint8_t step : growth) {
      for (int axis = 0; axis < 3; ++axis) half[axis] += step >> axis & 1;
      bool same = true;
      for (int64_t z = place[0] - half[0]; z <= place[0] + half[0]; ++z)
        for (int64_t y = place[1] - half[1]; y <= place[1] + half[1]; ++y)
          for (int64_t x = place[2] - half[2]; x <= place[2] + half[2]; ++x)
            if (z >= 0 && z < depth && y >= 0 && y < height && x >= 0 && x < width)
              same = same && labels[first + (z * height + y) * width + x] == labels[at];
      uniform = static_cast<uint8_t>(uniform + same);
    }
    result.push_back(uniform);
  }
  return result;
}

TEST(BoundaryDepthEqualsTheTwin) {
  uint64_t seed = 0;
  for (const Grid& grid : Grids()) {
    if (grid.Count() > 3000 || ++seed % 3 != 0) continue;
    for (const double density : kDensities) {
      const std::vector<uint8_t> labels = RandomMask(grid.Count(), density * density * density, seed);
      std::vector<std::vector<uint8_t>> steps{{7, 7, 7}, {}, {1}};
      if (grid.rank == 3) steps = {{7, 6, 0, 7}, {4, 6, 7}};
      for (std::vector<uint8_t>& growth : steps) {
        for (uint8_t& step : growth) step &= static_cast<uint8_t>((1 << grid.rank) - 1);
        const std::vector<uint8_t> expected = DepthTwin(labels, grid, growth);
        EverywhereAtAnyThreadCount([&] {
          std::vector<uint8_t> depth(labels.size(), 99);
          cpu::BoundaryDepth(std::span<const uint8_t>(labels), grid, growth, depth);
          CHECK(depth == expected, "size ", grid.size[0], " ", grid.size[1], " ", grid.size[2]);
        });
      }
    }
  }
}

struct FitCase {
  int64_t classes, pixels, cells;
  std::vector<float> logits, fractions, weights;
  std::vector<uint16_t> labels, cell;
  std::vector<double> class_weights, scales;

  FitPixels Pixels(bool split, bool weighted) const {
    FitPixels fit{logits, labels, cell, {}, {}, {}, classes, pixels, {0, pixels / 3, pixels / 2, pixels}};
    if (split) fit.fractions = fractions;
    if (weighted) fit.weights = weights;
    if (weighted) fit.class_weights = class_weights;
    return fit;
  }
  bool Counts(int64_t i) const { return i < pixels / 3 || i >= pixels / 2; }
  // Returns the logits of a pixel times a, or the probabilities.
  std::vector<double> Scaled(int64_t i, double a) const {
    std::vector<double> u;
    for (int64_t c = 0; c < classes; ++c) u.push_back(a * logits[c * pixels + i]);
    return u;
  }
};

FitCase MakeFit(int64_t classes, int64_t pixels, int64_t cells, uint64_t seed) {
  Noise noise(seed);
  FitCase made{classes, pixels, cells, {}, {}, {}, {}, {}, {}, {}};
  for (int64_t i = 0; i < classes * pixels; ++i)
    made.logits.push_back(static_cast<float>((noise.Uniform() - 0.5) * (i % 7 == 0 ? 300 : 8)));
  for (int64_t i = 0; i < pixels; ++i) {
    made.labels.push_back(static_cast<uint16_t>(noise.Next() % classes));
    made.cell.push_back(static_cast<uint16_t>(noise.Next() % (cells - 1)));  // the last is the next of one
    made.fractions.push_back(static_cast<float>(noise.Uniform()));
    made.weights.push_back(static_cast<float>(noise.Next() % 4) / 2);
  }
  for (int64_t c = 0; c < classes; ++c) made.class_weights.push_back(noise.Uniform());
  for (int64_t k = 0; k < cells; ++k) made.scales.push_back(0.02 + 2 * noise.Uniform());
  return made;
}

std::vector<double> Softmax(const std::vector<double>& u) {
  const double top = *std::ranges::max_element(u);
  std::vector<double> p;
  double sum = 0;
  for (const double value : u) sum += p.emplace_back(std::exp(value - top));
  for (double& value : p) value /= sum;
  return p;
}

double LogSumExp(const std::vector<double>& u) {
  const double top = *std::ranges::max_element(u);
  double sum = 0;
  for (const double value : u) sum += std::exp(value - top);
  return top + std::log(sum);
}

bool AllNear(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  for (size_t i = 0; i < a.size(); ++i)
    if (!(std::abs(a[i] - b[i]) <= tolerance * std::max(1.0, std::abs(b[i])))) return false;
  return a.size() == b.size();
}

TEST(ScaleSumsEqualTheTwin) {
  for (const auto& [classes, pixels, cells] :
       std::vector<std::array<int64_t, 3>>{{2, 6, 2}, {3, 517, 4}, {5, 3001, 19}})
    for (const bool split : {false, true})
      for (const bool weighted : {false, true}) {
        const FitCase made = MakeFit(classes, pixels, cells, 3);
        std::vector<double> expected(cells * 5);
        for (int64_t i = 0; i < pixels; ++i) {
          if (!made.Counts(i)) continue;
          const double t = split ? made.fractions[i] : 0.0, w = made.Pixels(split, weighted).Weight(i);
          const int64_t k = made.cell[i], y = made.labels[i];
          const double a = (1 - t) * made.scales[k] + t * made.scales[k + 1];
          const std::vector<double> z = made.Scaled(i, 1), u = made.Scaled(i, a), p = Softmax(u);
          double mean = 0, variance = 0;
          for (int64_t c = 0; c < classes; ++c) mean += p[c] * z[c];
          for (int64_t c = 0; c < classes; ++c) variance += p[c] * (z[c] - mean) * (z[c] - mean);
          expected[5 * k] += w;
          expected[5 * k + 1] += w * (LogSumExp(u) - u[y]);
          expected[5 * k + 2] += w * (1 - t) * (mean - z[y]);
          expected[5 * k + 3] += w * (1 - t) * (1 - t) * variance;
          expected[5 * k + 4] += w * t * (1 - t) * variance;
          expected[5 * k + 7] += w * t * (mean - z[y]);
          expected[5 * k + 8] += w * t * t * variance;
        }
        std::vector<double> first;
        EverywhereAtAnyThreadCount([&] {
          std::vector<double> sums(cells * 5);
          cpu::ScaleSums(made.Pixels(split, weighted), made.scales, sums);
          CHECK(AllNear(sums, expected, 1e-11), "classes ", classes, " pixels ", pixels, " split ", split);
          if (first.empty()) first = sums;
          CHECK(sums == first, "other bits");
        });
      }
}

TEST(CalibratedOutputsEqualTheTwin) {
  const int64_t classes = 3, pixels = 1301, cells = 4;
  const FitCase made = MakeFit(classes, pixels, cells, 8);
  Noise noise(4);
  const auto numbers = [&](int64_t count, double low, double high) {
    std::vector<double> values;
    for (int64_t i = 0; i < count; ++i) values.push_back(low + (high - low) * noise.Uniform());
    return values;
  };
  const std::vector<double> shifts = numbers(cells * classes, -1, 1), floors = numbers(cells, 0, 0.3),
                            mixing = numbers(classes * classes, -1, 1), mixture{0.5, 0.3, 0.2},
                            class_scales = numbers(classes, 0.5, 2);
  for (int parts = 0; parts < 64; ++parts) {
    CalibratorForm form;
    if (parts & 1) form.scales = made.scales;
    if (parts & 2) form.shifts = shifts;
    if (parts & 4) form.floors = floors;
    if (parts & 8) form.mixture = mixture;
    if (parts & 16) form.margin = 1e-3;
    if (parts & 32 && parts & 1) form.class_scales = class_scales;
    if (parts & 32 && !(parts & 1)) form.mixing = mixing;
    form.log_probabilities = (parts & 36) == 36;
    form.least_log = -16;
    form.keeps_labels = (parts & 50) == 16;
    std::vector<float> expected(classes * pixels);
    std::vector<double> loss(2), derivatives(3 * cells);
    for (int64_t i = 0; i < pixels; ++i) {
      std::vector<double> z = made.Scaled(i, 1), x = z;
      double mean = 0;
      for (const double value : z) mean += value / classes;
      const auto label = std::ranges::max_element(z) - z.begin();
      for (double& value : z) value -= mean;
      for (int64_t c = 0; c < classes; ++c)
        x[c] = form.log_probabilities ? std::max(z[c] - LogSumExp(z), form.least_log) : z[c];
      std::vector<double> u(classes);
      const int64_t k = made.cell[i];
      for (int64_t c = 0; c < classes; ++c) {
        u[c] = x[c];
        if (!form.scales.empty()) u[c] *= form.scales[k];
        if (!form.class_scales.empty()) u[c] *= form.class_scales[c];
        if (!form.mixing.empty()) {
          u[c] = 0;
          for (int64_t j = 0; j < classes; ++j) u[c] += mixing[c * classes + j] * x[j];
        }
        if (!form.shifts.empty()) u[c] += shifts[k * classes + c];
      }
      if (form.margin) {
        double others = -std::numeric_limits<double>::infinity();
        for (int64_t c = 0; c < classes; ++c)
          if (c != label) others = std::max(others, u[c]);
        u[label] = std::max(u[label], others + *form.margin);
      }
      std::vector<double> p = Softmax(u);
      const std::vector<double> plain = Softmax(form.log_probabilities ? x : z);
      for (int64_t c = 0; c < classes; ++c)
        if (!form.mixture.empty()) p[c] = 0.5 * p[c] + 0.3 * plain[c] + 0.2 / classes;
      const double q = p[made.labels[i]], e = floors[k];
      for (double& value : p)
        if (!form.floors.empty()) value = (1 - e) * value + e / classes;
      for (int64_t c = 0; c < classes; ++c) expected[c * pixels + i] = static_cast<float>(p[c]);
      if (!made.Counts(i)) continue;
      const double after = p[made.labels[i]];
      loss[i >= pixels / 2] += after > 1e-300 ? -std::log(after) : LogSumExp(u) - u[made.labels[i]];
      const double ratio = (1.0 / classes - q) / ((1 - e) * q + e / classes);
      derivatives[3 * k] += 1;
      derivatives[3 * k + 1] += ratio;
      derivatives[3 * k + 2] -= ratio * ratio;
    }
    EverywhereAtAnyThreadCount([&] {
      std::vector<float> out(expected.size());
      cpu::Calibrate(made.Pixels(false, false), form, false, out);
      CHECK(
          std::ranges::equal(out, expected,
                             [](float a, float b) { return std::abs(a - b) <= 1e-6f * std::max(b, 1e-3f); }),
          "parts ", parts);
      const std::vector<LossSums> sums = cpu::CalibratedLoss(made.Pixels(false, false), form);
      CHECK(sums.size() == 2 && AllNear({sums[0].loss, sums[1].loss}, loss, 1e-10), "parts ", parts);
      if (form.floors.empty()) return;
      std::vector<double> found(derivatives.size());
      cpu::FloorSums(made.Pixels(false, false), form, found);
      CHECK(AllNear(found, derivatives, 1e-10), "parts ", parts);
    });
  }
}

TEST(LabelsStayWhereRoundingMakesTies) {
  // The second logit is larger by one unit in the last place: the products and probabilities are equal.
  const std::vector<float> logits{1.0f, std::nextafter(1.0f, 2.0f), -3.0f};
  const std::vector<double> scales{0.3};
  const FitPixels pixels{logits, {}, {}, {}, {}, {}, 3, 1, {}};
  CalibratorForm form;
  form.scales = scales;
  form.keeps_labels = true;
  for (const bool as_logits : {false, true}) {
    std::vector<float> out(3);
    cpu::Calibrate(pixels, form, as_logits, out);
    CHECK(out[1] > out[0] && out[1] - out[0] < 1e-7f && out[2] < out[0]);
  }
  const std::vector<float> infinite{1.0f, std::numeric_limits<float>::infinity()};
  std::vector<float> out(2);
  CHECK_THROWS(cpu::Calibrate({infinite, {}, {}, {}, {}, {}, 2, 1, {}}, form, false, out),
               "logits: expected finite numbers, got others at pixel 0");
}

TEST(PackedPixelsAreEvenlySpread) {
  const int64_t classes = 2, pixels = 5000;
  std::vector<float> logits;
  std::vector<uint8_t> labels, depth;
  std::vector<uint16_t> cells;
  for (int64_t i = 0; i < classes * pixels; ++i) logits.push_back(static_cast<float>(i));
  for (int64_t i = 0; i < pixels; ++i) {
    labels.push_back(i % 10 == 0 ? 255 : i % 2);
    cells.push_back(static_cast<uint16_t>(i < 4000 ? 0 : 1));
    depth.push_back(static_cast<uint8_t>(i % 3));
  }
  CasePixels made{std::span<const float>(logits),
                  std::span<const uint8_t>(labels),
                  cells,
                  depth,
                  classes,
                  pixels,
                  2,
                  255};
  std::vector<double> by_cell(2), by_label(2);
  cpu::CountPixels(made, by_cell, by_label);
  std::vector<int64_t> usable[2];
  for (int64_t i = 0; i < pixels; ++i)
    if (labels[i] != 255 && depth[i] < 2) usable[cells[i]].push_back(i);
  CHECK(by_cell[0] == usable[0].size() && by_cell[1] == usable[1].size());
  CHECK(by_label[0] + by_label[1] == by_cell[0] + by_cell[1]);
  const std::vector<double> rates{0.25, 1};
  std::vector<int64_t> expected;
  for (size_t j = 3; j < usable[0].size(); j += 4) expected.push_back(usable[0][j]);
  expected.insert(expected.end(), usable[1].begin(), usable[1].end());
  const size_t kept = expected.size();
  std::vector<float> z(classes * kept), weights(kept);
  std::vector<uint16_t> y(kept), cell(kept);
  CHECK(cpu::PackPixels(made, rates, {z, y, cell, weights}) == std::ssize(expected));
  for (size_t k = 0; k < kept; ++k) {
    const int64_t i = expected[k];
    CHECK(z[k] == logits[i] && z[kept + k] == logits[pixels + i] && y[k] == labels[i] && cell[k] == cells[i]);
    CHECK(weights[k] == (cells[i] == 0 ? 4 : 1));
  }
  logits[pixels + expected[1]] = std::nanf("");
  made.logits = std::span<const float>(logits);
  CHECK_THROWS(cpu::PackPixels(made, rates, {z, y, cell, weights}), "logits: expected finite numbers");
  labels[0] = 2;
  CHECK_THROWS(cpu::CountPixels(made, by_cell, by_label),
               "labels: expected classes 0 to 1, got 2 at pixel 0");
}

}  // namespace
}  // namespace pixelcal::test
