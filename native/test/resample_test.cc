#include "resampling/resample.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "cases.h"
#include "check.h"
#include "isa.h"

namespace pixelcal::test {
namespace {

// The weight of a pixel at a distance, by the definition of each interpolation.
double KernelAt(double distance, int taps) {
  const double d = std::abs(distance);
  if (taps == 2) return std::max(0.0, 1 - d);
  if (d < 1) return 1.5 * d * d * d - 2.5 * d * d + 1;
  return d < 2 ? -0.5 * d * d * d + 2.5 * d * d - 4 * d + 2 : 0;
}

// The slow twin of an axis: the weight of every source pixel in every result, of a line that its ends
// continue.
std::vector<std::vector<double>> WeightsOf(int64_t from, int64_t to, int taps) {
  std::vector<std::vector<double>> all;
  for (int64_t i = 0; i < to; ++i) {
    std::vector<double> weights(static_cast<size_t>(from));
    const double at =
        (static_cast<double>(i) + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5;
    for (int64_t pixel = -3; pixel < from + 3; ++pixel) {
      const auto place = static_cast<size_t>(std::clamp<int64_t>(pixel, 0, from - 1));
      const double distance = at - static_cast<double>(pixel);
      // The nearest of two is the later.
      const bool nearest = distance >= -0.5 && distance < 0.5;
      weights[place] += taps == 1 ? static_cast<double>(nearest) : KernelAt(distance, taps);
    }
    all.push_back(weights);
  }
  return all;
}

struct Case {
  Grid source;
  Resample resample;
};

std::vector<Case> Cases(int most) {
  std::vector<Case> cases;
  // The last is wide enough for whole vectors, the second keeps an axis.
  const std::array<std::array<int64_t, 3>, 3> from{{{4, 5, 7}, {6, 3, 5}, {3, 4, 70}}};
  const std::array<std::array<int64_t, 3>, 3> to{{{7, 3, 10}, {6, 5, 2}, {5, 4, 45}}};
  for (const int rank : {1, 2, 3})
    for (size_t i = 0; i < from.size(); ++i)
      for (const int taps : {1, 2, 4}) {
        if (taps > most) continue;
        const auto skip = static_cast<size_t>(3 - rank);
        Case one;
        one.source = MakeGrid(2, std::span(from[i]).subspan(skip));
        for (int axis = 0; axis < rank; ++axis) {
          one.resample.size[axis] = to[i][skip + static_cast<size_t>(axis)];
          one.resample.taps[axis] = axis == 0 ? std::min(taps, 2) : taps;
        }
        cases.push_back(one);
      }
  return cases;
}

int64_t ResultsOf(const Case& one) {
  return one.source.batch * one.resample.size[0] * one.resample.size[1] * one.resample.size[2];
}

// Calls visit(result, plane, weights) for every pixel of the result, with the weight of every source pixel.
template <class Visit>
void ForEachResult(const Case& one, const Visit& visit) {
  const auto& [source, resample] = one;
  std::array<std::vector<std::vector<double>>, 3> axes;
  for (int axis = 0; axis < 3; ++axis) {
    const bool there = axis < source.rank;
    axes[axis] = there ? WeightsOf(source.size[axis], resample.size[axis], resample.taps[axis])
                       : std::vector<std::vector<double>>{{1}};
  }
  const int64_t pixels = ResultsOf(one) / source.batch;
  for (int64_t at = 0; at < pixels; ++at) {
    const auto c = static_cast<size_t>(at % resample.size[2]);
    const auto b = static_cast<size_t>(at / resample.size[2] % resample.size[1]);
    const auto a = static_cast<size_t>(at / (resample.size[2] * resample.size[1]));
    std::vector<double> weights;
    for (const double z : axes[0][a])
      for (const double y : axes[1][b])
        for (const double x : axes[2][c]) weights.push_back(z * y * x);
    for (int64_t plane = 0; plane < source.batch; ++plane) visit(plane * pixels + at, plane, weights);
  }
}

TEST(ResampleImageSumsByTheDefinition) {
  for (const Case& one : Cases(4)) {
    const auto& [source, resample] = one;
    Noise noise(5);
    std::vector<float> image(static_cast<size_t>(source.Count()));
    for (auto& value : image) value = static_cast<float>(4 * noise.Uniform() - 2);
    const auto pixels = static_cast<size_t>(source.Pixels());
    std::vector<float> first;
    EverywhereAtAnyThreadCount([&] {
      std::vector<float> out(static_cast<size_t>(ResultsOf(one)), NAN);
      cpu::ResampleImage(image, source, resample, out);
      if (first.empty()) first = out;
      CHECK(out == first, "rank ", source.rank);
    });
    const bool cubic = std::ranges::find(resample.taps, 4) != resample.taps.end();
    ForEachResult(one, [&](int64_t result, int64_t plane, const std::vector<double>& weights) {
      const auto of = std::span(image).subspan(static_cast<size_t>(plane) * pixels, pixels);
      double sum = 0;
      for (size_t i = 0; i < pixels; ++i) sum += weights[i] * static_cast<double>(of[i]);
      const auto [least, largest] = std::ranges::minmax(of);
      const double expected = cubic ? std::clamp<double>(sum, least, largest) : sum;
      CHECK(std::abs(first[static_cast<size_t>(result)] - expected) < 1e-5, "rank ", source.rank, " taps ",
            resample.taps[source.rank - 1], " result ", result);
    });
  }
}

TEST(ResampleLabelsTakesTheLargestWeight) {
  for (const Case& one : Cases(2)) {
    const auto& [source, resample] = one;
    Noise noise(3);
    std::vector<int32_t> labels(static_cast<size_t>(source.Count()));
    // Runs of one label, so that both ways of a row are taken.
    for (size_t i = 0; i < labels.size(); ++i)
      labels[i] = i % 4 && noise.Uniform() < 0.8 ? labels[i - 1] : static_cast<int32_t>(noise.Next() % 4) - 1;
    std::vector<uint8_t> bytes(labels.size());
    for (size_t i = 0; i < labels.size(); ++i) bytes[i] = static_cast<uint8_t>(labels[i] + 1);
    std::vector<int32_t> out(static_cast<size_t>(ResultsOf(one)));
    std::vector<uint8_t> out_bytes(out.size());
    cpu::ResampleLabels<int32_t>(labels, source, resample, out);
    cpu::ResampleLabels<uint8_t>(bytes, source, resample, out_bytes);
    const auto pixels = static_cast<size_t>(source.Pixels());
    ForEachResult(one, [&](int64_t result, int64_t plane, const std::vector<double>& weights) {
      std::map<int32_t, double> sums;
      for (size_t i = 0; i < pixels; ++i) sums[labels[static_cast<size_t>(plane) * pixels + i]] += weights[i];
      double largest = 0;
      for (const auto& [label, sum] : sums) largest = std::max(largest, sum);
      const auto index = static_cast<size_t>(result);
      CHECK(sums[out[index]] > largest - 1e-9, "rank ", source.rank, " result ", result);
      CHECK(out_bytes[index] == out[index] + 1, "rank ", source.rank, " result ", result);
    });
  }
}

TEST(ResampleLabelsTakesTheSmallerOfEqualWeights) {
  const std::vector<int32_t> labels{1, -1};
  std::vector<int32_t> out(3);
  Resample resample;
  resample.size = {3, 1, 1};
  cpu::ResampleLabels<int32_t>(labels, MakeGrid(1, std::array<int64_t, 1>{2}), resample, out);
  CHECK(out == (std::vector<int32_t>{1, -1, -1}));
}

TEST(ResampleRefusesWhatDoesNotFit) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{3, 3});
  const std::vector<float> image(9);
  const std::vector<uint8_t> labels(9);
  std::vector<float> out(4);
  std::vector<uint8_t> map(4);
  Resample resample;
  resample.size = {2, 2, 1};
  const auto run = [&] { cpu::ResampleImage(image, grid, resample, out); };
  run();
  resample.taps = {4, 3, 1};
  CHECK_THROWS(run(), "taps: expected 1, 2 or 4, got 3");
  resample.taps = {4, 2, 1};
  CHECK_THROWS(cpu::ResampleLabels<uint8_t>(labels, grid, resample, map), "taps: expected 1 or 2, got 4");
  resample.size = {3, 2, 1};
  CHECK_THROWS(run(), "out: expected 6 elements, got 4");
}

}  // namespace
}  // namespace pixelcal::test
