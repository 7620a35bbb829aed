#include "distance/signed_distance.h"

#include "base/parallel.h"
#include "cases.h"
#include "check.h"
#include "isa.h"
#include "reference.h"

using namespace pixelcal;

namespace {

std::vector<int> RandomLabels(const Grid& grid, int classes, double background, uint64_t seed) {
  test::Noise noise(seed);
  std::vector<int> labels(static_cast<size_t>(grid.Pixels()));
  for (auto& label : labels)
    label =
        noise.Uniform() < background ? 0 : static_cast<int>(noise.Next() % static_cast<uint64_t>(classes));
  return labels;
}

std::vector<float> Signed(const std::vector<int>& labels, const Grid& grid,
                          const SignedDistanceOptions& options) {
  const std::vector<int32_t> typed(labels.begin(), labels.end());
  std::vector<float> out(typed.size() * static_cast<size_t>(options.classes));
  cpu::SignedDistance(std::span<const int32_t>(typed), grid, options, out);
  return out;
}

}  // namespace

TEST(SignedDistanceEqualsReference) {
  for (const auto& size :
       {std::vector<int64_t>{1}, {17}, {1, 7}, {16, 17}, {33, 16}, {3, 7, 16}, {5, 1, 9}}) {
    const Grid grid = MakeGrid(1, size);
    for (const int classes : {1, 2, 3, 5}) {
      for (const double background : {0.0, 0.5, 0.97, 1.0}) {
        const auto labels = RandomLabels(grid, classes, background, static_cast<uint64_t>(classes) + 11);
        for (const auto& spacing : test::Spacings()) {
          SignedDistanceOptions options{classes, spacing, Normalize::kNone, 2.5, Absent::kFar};
          double diagonal = 0;
          for (int axis = 0; axis < grid.rank; ++axis)
            diagonal += std::pow(static_cast<double>(grid.size[axis]) * spacing[axis], 2);
          diagonal = std::sqrt(diagonal);
          const auto none = Signed(labels, grid, options);
          options.normalize = Normalize::kSplit;
          const auto split = Signed(labels, grid, options);
          options.normalize = Normalize::kTruncate;
          const auto truncated = Signed(labels, grid, options);
          options.normalize = Normalize::kMax;
          const auto maximum = Signed(labels, grid, options);
          for (int c = 0; c < classes; ++c) {
            auto expected = reference::SignedDistances(labels, c, grid, spacing);
            double outside = 0, inside = 0;
            bool defined = true;
            for (const double s : expected) {
              defined &= std::isfinite(s);
              outside = std::max(outside, s);
              inside = std::max(inside, -s);
            }
            for (size_t i = 0; i < labels.size(); ++i) {
              const size_t at = static_cast<size_t>(c) * labels.size() + i;
              const double s = expected[i];
              const double side = s > 0 ? 1 : -1;
              const auto near = [](double a, double b) {
                return std::abs(a - b) <= 4e-7 * std::max(1.0, std::abs(b));
              };
              CHECK(near(none[at], defined ? s : side * diagonal), none[at], " not ", s);
              CHECK(near(split[at], defined ? s / (s > 0 ? outside : inside) : side), split[at]);
              CHECK(near(truncated[at], defined ? std::clamp(s / 2.5, -1.0, 1.0) : side), truncated[at]);
              CHECK(near(maximum[at], defined ? s / (std::max(outside, inside) + 1e-6) : side), maximum[at]);
            }
          }
        }
      }
    }
  }
}

// Equals the authors' float32 output bit for bit, under every instruction set and at any thread count, with
// numbers of classes around those that fit words and bytes.
TEST(SignedDistanceEqualsTheAuthorsBits) {
  struct Case {
    std::vector<int64_t> size;
    int classes;
    double background;
  };
  for (const Case& c : {Case{{33, 40}, 2, 0.9}, Case{{70, 65}, 4, 0.97}, Case{{290, 20}, 2, 0.9995},
                        Case{{5, 33, 17}, 5, 0.9}, Case{{9, 8}, 1, 0}, Case{{12, 13}, 64, 0.3},
                        Case{{12, 13}, 65, 0.3}, Case{{12, 13}, 255, 0.3}, Case{{3, 12, 13}, 256, 0.3},
                        Case{{12, 13}, 257, 0.3}, Case{{16, 17}, 600, 0.1}, Case{{4700, 2}, 2, 0.9999}}) {
    const Grid grid = MakeGrid(1, c.size);
    auto labels = RandomLabels(grid, c.classes, c.background, 21);
    labels.back() = c.classes - 1;
    std::vector<std::vector<float>> expected;
    for (int label = 0; label < c.classes; ++label) {
      std::vector<float> values;
      float most = 0;
      for (const double s : reference::SignedDistances(labels, label, grid, {1, 1, 1})) {
        values.push_back(static_cast<float>(s));
        most = std::max(most, std::abs(values.back()));
      }
      for (float& value : values) value /= most + 1e-6f;
      if (std::isinf(most)) values.clear();  // an absent class: SignedDistanceReferenceRamps
      expected.push_back(values);
    }
    test::EverywhereAtAnyThreadCount([&] {
      const auto out = Signed(labels, grid, {.classes = c.classes});
      for (size_t label = 0; label < expected.size(); ++label) {
        for (size_t i = 0; i < expected[label].size(); ++i) {
          const float got = out[label * labels.size() + i];
          CHECK(got == expected[label][i], c.size[0], " classes ", c.classes, " class ", label, " pixel ", i,
                ": ", got, " not ", expected[label][i]);
        }
      }
    });
  }
}

// Absent classes are positive ramps from the point before the first corner; a full class is minus that ramp.
TEST(SignedDistanceReferenceRamps) {
  const Grid grid = MakeGrid(2, std::array<int64_t, 2>{3, 4});
  std::vector<int> labels(24, 1);
  labels[23] = 2;  // the first image is full of class 1, the second holds 1 and 2
  const auto out = Signed(labels, grid, {.classes = 3, .normalize = Normalize::kNone});
  for (size_t i = 0; i < 12; ++i) {
    const double ramp = std::hypot(static_cast<double>(i / 4 + 1), static_cast<double>(i % 4));
    CHECK(out[i] == static_cast<float>(ramp) && out[24 + i] == out[i] && out[12 + i] == -out[i], i);
    CHECK(out[36 + i] == static_cast<float>(ramp), "absent class 0 of the second image");
    const double to_last = std::hypot(2 - static_cast<double>(i / 4), 3 - static_cast<double>(i % 4));
    if (i < 11)
      CHECK(out[48 + i] == -static_cast<float>(to_last), "an absent class must not shorten the others");
  }
  const auto one =
      Signed(labels = std::vector<int>(24, 0), grid, {.classes = 1, .normalize = Normalize::kMax});
  CHECK(one[11] == -static_cast<float>(std::hypot(3, 3)) / (static_cast<float>(std::hypot(3, 3)) + 1e-6f));
}

TEST(SignedDistanceRampsOfEveryShape) {
  for (const auto& size : {std::vector<int64_t>{7}, {1, 9}, {17, 33}, {3, 4, 17}, {1, 1, 5}, {4700, 2}}) {
    for (const auto& spacing : test::Spacings()) {
      const Grid grid = MakeGrid(1, size);
      const auto dhw = grid.DepthHeightWidth();
      const std::vector<int> labels(static_cast<size_t>(grid.Pixels()), 1);
      std::vector<float> ramp;
      for (int64_t i = 0; i < grid.Pixels(); ++i) {
        const auto p = reference::At(dhw, i);
        std::array<double, 3> steps{static_cast<double>(p.z), static_cast<double>(p.y),
                                    static_cast<double>(p.x)};
        steps[static_cast<size_t>(3 - grid.rank)] += 1;
        const auto length = reference::RightAligned(grid, spacing);
        double square = 0;
        for (size_t axis = 0; axis < 3; ++axis) square += std::pow(steps[axis] * length[axis], 2);
        ramp.push_back(static_cast<float>(std::sqrt(square)));
      }
      test::ForEachIsa([&] {
        const auto out = Signed(labels, grid, {.classes = 2, .spacing = spacing});
        for (size_t i = 0; i < ramp.size(); ++i) {
          const float want = ramp[i] / (ramp.back() + 1e-6f), exact = spacing[0] == 1 ? 0.0f : 2e-7f;
          CHECK(std::abs(out[i] - want) <= exact && out[ramp.size() + i] == -out[i], size.size(), " ", i,
                ": ", out[i], " not ", want);
        }
      });
    }
  }
}

TEST(SignedDistanceTakesEveryLabelType) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{16, 17});
  for (const int classes : {4, 100, 255, 256}) {
    const auto labels = RandomLabels(grid, classes, 0.3, 5);
    const auto expected = Signed(labels, grid, {.classes = classes});
    const std::vector<uint8_t> bytes(labels.begin(), labels.end());
    const std::vector<int64_t> longs(labels.begin(), labels.end());
    std::vector<float> a(expected.size()), b(expected.size());
    test::ForEachIsa([&] {
      cpu::SignedDistance(std::span(bytes), grid, {.classes = classes}, a);
      cpu::SignedDistance(std::span(longs), grid, {.classes = classes}, b);
      CHECK(a == expected && b == expected, classes);
    });
  }
}

TEST(SignedDistanceIsTheSameAtAnyThreadCount) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 3>{9, 60, 70});
  const auto labels = RandomLabels(grid, 4, 0.9, 6);
  for (const auto normalize : {Normalize::kMax, Normalize::kSplit}) {
    std::vector<std::vector<float>> results;
    for (const int threads : {1, 2, 3}) {
      SetThreadCount(threads);
      results.push_back(Signed(labels, grid, {.classes = 4, .normalize = normalize}));
    }
    CHECK(results[0] == results[1] && results[0] == results[2]);
  }
}

// At any thread count, with classes that are bits of a word and with more.
TEST(SignedDistanceNamesTheFirstBadLabel) {
  const Grid grid = MakeGrid(2, std::array<int64_t, 1>{50000});
  for (const int classes : {3, 70}) {
    std::vector<int32_t> labels(100000, 1);
    labels[49999] = -5;
    labels[50000] = labels[99999] = 80;
    std::vector<float> out(labels.size() * static_cast<size_t>(classes));
    const std::string expected =
        "labels: expected classes 0 to " + std::to_string(classes - 1) + ", got -5 at pixel 49999 (3 such";
    test::EverywhereAtAnyThreadCount([&] {
      CHECK_THROWS(cpu::SignedDistance(std::span<const int32_t>(labels), grid, {.classes = classes}, out),
                   expected);
    });
  }
}

TEST(SignedDistanceRejectsBadArguments) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 1>{3});
  std::vector<float> out(6);
  const std::vector<int32_t> labels{0, 1, 2}, negative{0, -1, 1}, few{0, 1}, good{0, 1, 1};
  const auto call = [&](const std::vector<int32_t>& values, SignedDistanceOptions options,
                        std::span<float> to) {
    cpu::SignedDistance(std::span<const int32_t>(values), grid, options, to);
  };
  CHECK_THROWS(call(labels, {}, out), "labels: expected classes 0 to 1, got 2 at pixel 2 (1 such pixels)");
  CHECK_THROWS(call(negative, {}, out), "labels: expected classes 0 to 1, got -1 at pixel 1 (1 such pixels)");
  CHECK_THROWS(call(few, {}, out), "labels: expected 3 elements, got 2");
  CHECK_THROWS(call(good, {}, std::span(out).first(5)), "out: expected 6");
  CHECK_THROWS(call(good, {.classes = 0}, out), "classes: expected");
  CHECK_THROWS(call(good, {.normalize = Normalize::kTruncate, .truncate = 0}, out), "truncate: expected");
  CHECK_THROWS(call(good, {.spacing = {-1, 1, 1}}, out), "spacing: expected");
}
