#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "cases.h"
#include "check.h"
#include "isa.h"
#include "resampling/intensity.h"
#include "resampling/warp.h"

namespace pixelcal::test {
namespace {

std::vector<float> RandomImage(int64_t count, uint64_t seed) {
  Noise noise(seed);
  std::vector<float> image(static_cast<size_t>(count));
  for (auto& value : image) value = static_cast<float>(4 * noise.Uniform() - 2);
  return image;
}

// A uniform cubic B-spline's weight of the point at whole number `k` for place `t`, by the basis function.
double Basis(double t, int64_t k) {
  const double x = std::abs(t - static_cast<double>(k));
  if (x < 1) return (4 - 6 * x * x + 3 * x * x * x) / 6;
  if (x < 2) return (2 - x) * (2 - x) * (2 - x) / 6;
  return 0;
}

int64_t PixelsOf(const std::array<int64_t, 3>& size) { return size[0] * size[1] * size[2]; }

// The slow twin's place of pixel `at`: sums over all control points.
std::array<double, 3> PlaceOf(const Warp& warp, const Grid& source, int64_t at) {
  std::array<int64_t, 3> pixel{0, 0, 0};
  for (int axis = source.rank - 1; axis >= 0; --axis) {
    pixel[axis] = at % warp.size[axis];
    at /= warp.size[axis];
  }
  std::array<double, 3> place{0, 0, 0};
  for (int axis = 0; axis < source.rank; ++axis) {
    place[axis] = warp.offset[axis];
    for (int from = 0; from < source.rank; ++from)
      place[axis] += warp.matrix[axis * source.rank + from] * static_cast<double>(pixel[from]);
    const int64_t points = PixelsOf(warp.control_size);
    for (int64_t point = 0; point < points && !warp.control.empty(); ++point) {
      int64_t rest = point;
      double weight = 1;
      for (int a = source.rank - 1; a >= 0; --a) {
        const auto spans = static_cast<double>(warp.control_size[a] - 3);
        const double t = warp.size[a] > 1
                             ? static_cast<double>(pixel[a]) * spans / static_cast<double>(warp.size[a] - 1)
                             : 0;
        weight *= Basis(t + 1, rest % warp.control_size[a]);
        rest /= warp.control_size[a];
      }
      place[axis] += weight * warp.control[static_cast<size_t>(axis * points + point)];
    }
    place[axis] = std::clamp(place[axis], 0.0, static_cast<double>(source.size[axis] - 1));
  }
  return place;
}

// The share of a source pixel in the linear interpolation at a place.
double ShareOf(const Grid& source, int64_t pixel, const std::array<double, 3>& place) {
  double share = 1;
  for (int axis = source.rank - 1; axis >= 0; --axis) {
    share *= std::max(0.0, 1 - std::abs(place[axis] - static_cast<double>(pixel % source.size[axis])));
    pixel /= source.size[axis];
  }
  return share;
}

struct WarpCase {
  Grid source;
  Warp warp;
  std::vector<double> control;
};

std::vector<WarpCase> WarpCases() {
  std::vector<WarpCase> cases;
  for (const int rank : {1, 2, 3}) {
    for (const int kind : {0, 1, 2}) {
      const std::array<int64_t, 3> size{7, 5, 6}, result{5, 8, 1};
      WarpCase one;
      one.source = MakeGrid(2, std::span(size).first(static_cast<size_t>(rank)));
      Noise noise(static_cast<uint64_t>(10 * rank + kind));
      one.warp.matrix.fill(0);
      one.warp.offset.fill(0);
      for (int axis = 0; axis < rank; ++axis) {
        one.warp.size[axis] = kind == 0 ? size[axis] : result[axis];
        one.warp.matrix[axis * rank + axis] = 1;
        if (kind > 0) one.warp.offset[axis] = 3 * noise.Uniform() - 1;
      }
      if (kind > 0)
        for (int i = 0; i < rank * rank; ++i) one.warp.matrix[i] += noise.Uniform() - 0.5;
      if (kind == 2) {
        for (int axis = 0; axis < rank; ++axis) one.warp.control_size[axis] = 4 + axis;
        one.control.resize(static_cast<size_t>(rank * PixelsOf(one.warp.control_size)));
        for (auto& value : one.control) value = 2 * noise.Uniform() - 1;
      }
      cases.push_back(one);
    }
  }
  for (auto& one : cases) one.warp.control = one.control;
  return cases;
}

TEST(WarpImageReadsTheLinearInterpolation) {
  for (const auto& [source, warp, control] : WarpCases()) {
    const auto image = RandomImage(source.Count(), 5);
    const int64_t from = source.Pixels(), to = PixelsOf(warp.size);
    std::vector<float> out(static_cast<size_t>(source.batch * to), NAN);
    cpu::WarpImage(image, source, warp, Interpolation::kLinear, out);
    std::vector<float> nearest(out.size(), NAN);
    cpu::WarpImage(image, source, warp, Interpolation::kNearest, nearest);
    for (int64_t at = 0; at < to; ++at) {
      const auto place = PlaceOf(warp, source, at);
      for (int64_t plane = 0; plane < source.batch; ++plane) {
        double expected = 0, closest = 0, best = -1;
        for (int64_t pixel = 0; pixel < from; ++pixel) {
          const double share = ShareOf(source, pixel, place);
          const float value = image[static_cast<size_t>(plane * from + pixel)];
          expected += share * value;
          // A place in the middle reads the later pixel, which comes later in this order too.
          if (share >= best - 1e-12) {
            best = std::max(best, share);
            closest = value;
          }
        }
        const auto index = static_cast<size_t>(plane * to + at);
        CHECK(std::abs(out[index] - expected) < 1e-5, "rank ", source.rank, " pixel ", at);
        CHECK(nearest[index] == static_cast<float>(closest), "rank ", source.rank, " pixel ", at);
      }
    }
  }
}

TEST(TheIdentityWarpKeepsEveryBit) {
  for (const auto& [source, warp, control] : WarpCases()) {
    if (PixelsOf(warp.size) != source.Pixels() || !control.empty() || warp.offset[0] != 0) continue;
    const auto image = RandomImage(source.Count(), 6);
    std::vector<float> out(image.size());
    cpu::WarpImage(image, source, warp, Interpolation::kLinear, out);
    CHECK(out == image, "rank ", source.rank);
  }
}

TEST(WarpLabelsTakesTheLargestShare) {
  for (const auto& [source, warp, control] : WarpCases()) {
    Noise noise(3);
    std::vector<int32_t> labels(static_cast<size_t>(source.Count()));
    for (auto& label : labels) label = static_cast<int32_t>(noise.Next() % 4) - 1;
    std::vector<uint8_t> bytes(labels.size());
    for (size_t i = 0; i < labels.size(); ++i) bytes[i] = static_cast<uint8_t>(labels[i] + 1);
    const int64_t from = source.Pixels(), to = PixelsOf(warp.size);
    std::vector<int32_t> out(static_cast<size_t>(source.batch * to));
    std::vector<uint8_t> out_bytes(out.size());
    cpu::WarpLabels<int32_t>(labels, source, warp, out);
    cpu::WarpLabels<uint8_t>(bytes, source, warp, out_bytes);
    for (int64_t at = 0; at < to; ++at) {
      const auto place = PlaceOf(warp, source, at);
      for (int64_t plane = 0; plane < source.batch; ++plane) {
        std::map<int32_t, double> shares;
        for (int64_t pixel = 0; pixel < from; ++pixel)
          shares[labels[static_cast<size_t>(plane * from + pixel)]] += ShareOf(source, pixel, place);
        double largest = 0;
        for (const auto& [label, share] : shares) largest = std::max(largest, share);
        const auto index = static_cast<size_t>(plane * to + at);
        CHECK(shares[out[index]] > largest - 1e-9, "rank ", source.rank, " pixel ", at);
        CHECK(out_bytes[index] == out[index] + 1, "rank ", source.rank, " pixel ", at);
      }
    }
  }
}

TEST(WarpLabelsTakesTheSmallerOfEqualShares) {
  const std::vector<uint8_t> labels{3, 1};
  std::vector<uint8_t> out(1);
  Warp warp;
  warp.offset = {0.5, 0, 0};
  cpu::WarpLabels<uint8_t>(labels, MakeGrid(1, std::array<int64_t, 1>{2}), warp, out);
  CHECK(out[0] == 1);
}

TEST(WarpRefusesWhatDoesNotFit) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{3, 3});
  const std::vector<float> image(9);
  std::vector<float> out(4);
  Warp warp;
  warp.size = {2, 2, 1};
  const auto run = [&] { cpu::WarpImage(image, grid, warp, Interpolation::kLinear, out); };
  run();
  warp.matrix[0] = NAN;
  CHECK_THROWS(run(), "matrix: expected finite numbers");
  warp.matrix[0] = 1;
  const std::vector<double> control(2 * 3 * 4);
  warp.control = control;
  warp.control_size = {3, 4, 1};
  CHECK_THROWS(run(), "controlSize: expected 4 points or more per axis, got 3");
  warp.control_size = {4, 4, 1};
  CHECK_THROWS(run(), "control: expected 32 elements, got 24");
  warp.control = {};
  warp.size = {3, 2, 1};
  CHECK_THROWS(run(), "out: expected 6 elements, got 4");
}

TEST(PlacesThatOverflowAreMovedIntoTheSource) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{3, 3});
  std::vector<float> image(9);
  for (size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i);
  const std::vector<uint8_t> labels{0, 1, 2, 3, 4, 5, 6, 7, 8};
  Warp warp;
  warp.size = {8, 8, 1};
  // From the second row and column on the sum is infinity less infinity.
  warp.matrix = {1.7e308, -1.7e308, 1.7e308, -1.7e308, 0, 0, 0, 0, 0};
  for (const auto interpolation : {Interpolation::kLinear, Interpolation::kNearest}) {
    std::vector<float> out(64, NAN);
    cpu::WarpImage(image, grid, warp, interpolation, out);
    for (const float value : out) CHECK(value == 0 || value == 8, "got ", value);
    CHECK(out[63] == 0);
  }
  std::vector<uint8_t> out(64, 255);
  cpu::WarpLabels<uint8_t>(labels, grid, warp, out);
  for (const uint8_t label : out) CHECK(label == 0 || label == 8, "got ", static_cast<int>(label));
}

struct Moments {
  double mean = 0, deviation = 0, least = INFINITY, largest = -INFINITY;
};

Moments MomentsOf(std::span<const float> values) {
  Moments of;
  for (const float value : values) {
    of.mean += value / static_cast<double>(values.size());
    of.least = std::min<double>(of.least, value);
    of.largest = std::max<double>(of.largest, value);
  }
  for (const float value : values)
    of.deviation += (value - of.mean) * (value - of.mean) / static_cast<double>(values.size());
  of.deviation = std::sqrt(of.deviation);
  return of;
}

TEST(IntensityChangesFollowTheirFormulas) {
  const Grid grid = MakeGrid(3, std::array<int64_t, 3>{5, 9, 11});
  const auto pixels = static_cast<size_t>(grid.Pixels());
  const auto image = RandomImage(grid.Count(), 9);
  const std::vector<double> amounts{1.25, 1, 0.6};
  using enum IntensityChange;
  for (const auto change : {kBrightness, kContrast, kGamma, kInvertedGamma}) {
    std::vector<float> out(image.size(), NAN);
    cpu::ChangeIntensity(image, grid, change, amounts, 0, out);
    for (size_t plane = 0; plane < 3; ++plane) {
      const auto in = std::span(image).subspan(plane * pixels, pixels);
      const double amount = amounts[plane], sign = change == kInvertedGamma ? -1 : 1;
      const Moments before = MomentsOf(in);
      std::vector<double> expected(pixels);
      std::vector<float> curved(pixels);
      for (size_t i = 0; i < pixels; ++i) {
        const double low = sign > 0 ? before.least : -before.largest, span = before.largest - before.least;
        curved[i] = static_cast<float>(low + span * std::pow((sign * in[i] - low) / span, amount));
        expected[i] = change == kBrightness ? amount * in[i]
                                            : std::clamp(before.mean + amount * (in[i] - before.mean),
                                                         before.least, before.largest);
      }
      const Moments after = MomentsOf(curved);
      if (change == kGamma || change == kInvertedGamma)
        for (size_t i = 0; i < pixels; ++i)
          expected[i] = before.mean + sign * (curved[i] - after.mean) / after.deviation * before.deviation;
      for (size_t i = 0; i < pixels; ++i)
        CHECK(std::abs(out[plane * pixels + i] - expected[i]) < 1e-5, "change ", static_cast<int>(change));
      if (amount == 1) CHECK(std::equal(in.begin(), in.end(), out.begin() + static_cast<int64_t>(pixels)));
    }
  }
}

TEST(NoiseIsNormalAndFollowsItsSeed) {
  const Grid grid = MakeGrid(2, std::array<int64_t, 2>{400, 501});
  const auto pixels = static_cast<size_t>(grid.Pixels());
  const std::vector<float> image(static_cast<size_t>(grid.Count()), 3.0f);
  const std::vector<double> amounts{0.5, 2};
  std::vector<float> out(image.size()), again(image.size()), other(image.size());
  const auto run = [&](uint64_t seed, std::vector<float>& to) {
    cpu::ChangeIntensity(image, grid, IntensityChange::kNoise, amounts, seed, to);
  };
  run(7, out);
  run(7, again);
  run(8, other);
  CHECK(out == again);
  CHECK(out != other);
  for (size_t plane = 0; plane < 2; ++plane) {
    double cubes = 0, fourths = 0, lag = 0, cross = 0;
    const auto of = [&](const std::vector<float>& from, size_t i) {
      return (from[plane * pixels + i] - 3.0) / amounts[plane];
    };
    const Moments moments = MomentsOf(std::span(out).subspan(plane * pixels, pixels));
    for (size_t i = 0; i < pixels; ++i) {
      const double n = of(out, i);
      cubes += n * n * n;
      fourths += n * n * n * n;
      lag += n * of(out, (i + 1) % pixels);
      cross += n * of(other, i);
    }
    const auto count = static_cast<double>(pixels);
    // Six standard errors of each moment of normal numbers.
    CHECK(std::abs(moments.mean - 3) / amounts[plane] < 6 / std::sqrt(count));
    CHECK(std::abs(moments.deviation / amounts[plane] - 1) < 6 / std::sqrt(2 * count));
    CHECK(std::abs(cubes / count) < 6 * std::sqrt(15 / count));
    CHECK(std::abs(fourths / count - 3) < 6 * std::sqrt(96 / count));
    CHECK(std::abs(lag / count) < 6 / std::sqrt(count));
    CHECK(std::abs(cross / count) < 6 / std::sqrt(count));
  }
}

TEST(BlurIsAGaussianAlongEveryAxis) {
  const Grid grid = MakeGrid(2, std::array<int64_t, 3>{4, 7, 9});
  const auto image = RandomImage(grid.Count(), 2);
  const std::vector<double> amounts{0.7, 0, 1.1, 0, 0, 0};
  std::vector<float> out(image.size());
  cpu::ChangeIntensity(image, grid, IntensityChange::kBlur, amounts, 0, out);
  const int64_t pixels = grid.Pixels();
  const auto weight = [&](int64_t d, double deviation) {
    if (deviation == 0) return d == 0 ? 1.0 : 0.0;
    const auto x = static_cast<double>(d) / deviation;
    return static_cast<double>(std::abs(d)) <= std::ceil(4 * deviation) ? std::exp(-x * x / 2) : 0.0;
  };
  for (int64_t z = 0; z < 4; ++z) {
    for (int64_t y = 0; y < 7; ++y) {
      for (int64_t x = 0; x < 9; ++x) {
        double sum = 0, total = 0;
        for (int64_t dz = -6; dz <= 6; ++dz) {
          for (int64_t dx = -6; dx <= 6; ++dx) {
            const double share = weight(dz, 0.7) * weight(dx, 1.1);
            const int64_t at =
                (std::clamp<int64_t>(z + dz, 0, 3) * 7 + y) * 9 + std::clamp<int64_t>(x + dx, 0, 8);
            sum += share * image[static_cast<size_t>(at)];
            total += share;
          }
        }
        const auto at = static_cast<size_t>((z * 7 + y) * 9 + x);
        CHECK(std::abs(out[at] - sum / total) < 1e-5, "pixel ", at);
        CHECK(out[at + static_cast<size_t>(pixels)] == image[at + static_cast<size_t>(pixels)]);
      }
    }
  }
}

TEST(IntensityRefusesAmountsThatDoNotFit) {
  const Grid grid = MakeGrid(2, std::array<int64_t, 1>{3});
  const std::vector<float> image(6);
  std::vector<float> out(6);
  const auto run = [&](IntensityChange change, std::vector<double> amounts) {
    cpu::ChangeIntensity(image, grid, change, amounts, 0, out);
  };
  CHECK_THROWS(run(IntensityChange::kNoise, {1}), "amounts: expected 2 numbers, got 1");
  CHECK_THROWS(run(IntensityChange::kNoise, {1, -1}), "amounts: expected numbers of 0 or more, got -1");
  CHECK_THROWS(run(IntensityChange::kGamma, {1, 0}), "amounts: expected numbers above 0, got 0");
  CHECK_THROWS(run(IntensityChange::kBlur, {1, 1001}), "amounts: expected at most 1000 pixels, got 1001");
  // A plane of one value has no range to bend.
  run(IntensityChange::kGamma, {2, 0.5});
  CHECK(out == image);
}

TEST(ResamplingHasTheSameBitsOnEveryInstructionSet) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{37, 41});
  const auto image = RandomImage(grid.Count(), 4);
  const std::vector<double> amounts{0.7};
  for (const auto change : {IntensityChange::kGamma, IntensityChange::kNoise}) {
    std::vector<float> first;
    ForEachIsa([&] {
      std::vector<float> out(image.size());
      cpu::ChangeIntensity(image, grid, change, amounts, 11, out);
      if (first.empty()) first = out;
      CHECK(out == first);
    });
  }
}

}  // namespace
}  // namespace pixelcal::test
