#include "calibration/calibration.h"

#include <cmath>

#include "cuda_test.h"
#include "overlap/confusion.h"

using namespace pixelcal;

namespace {

struct Case {
  int64_t batch, classes, pixels;
  std::vector<float> probs, weights;
  std::vector<uint16_t> halves;
  std::vector<int32_t> labels;
  std::vector<uint8_t> mask;

  Case(int64_t batch, int64_t classes, int64_t pixels) : batch(batch), classes(classes), pixels(pixels) {
    test::Noise noise(static_cast<uint64_t>(pixels));
    constexpr float kSpecial[] = {0, 1, 0.1f, 0.5f, 0x1p-30f, 0.3f};
    for (int64_t i = 0; i < batch * classes * pixels; ++i) {
      const double u = noise.Uniform();
      probs.push_back(u < 0.3 ? kSpecial[noise.Next() % 6] : static_cast<float>(u * u));
      halves.push_back(static_cast<uint16_t>(noise.Next() % 0x3c01));  // 0 to 1
    }
    for (int64_t i = 0; i < batch * pixels; ++i) {
      labels.push_back(static_cast<int32_t>(noise.Next() % static_cast<uint64_t>(classes)));
      mask.push_back(noise.Uniform() < 0.8);
      weights.push_back(static_cast<float>(noise.Uniform()));
    }
  }
  ProbabilityMaps Maps() const {
    return {.probs = std::span<const float>(probs),
            .labels = std::span<const int32_t>(labels),
            .batch = batch,
            .classes = classes,
            .pixels = pixels,
            .ignore = std::nullopt,
            .mask = {},
            .weights = {}};
  }
};

std::vector<double> Edges(int64_t bins) {
  std::vector<double> edges;
  for (int64_t i = 0; i <= bins; ++i) edges.push_back(static_cast<double>(i) / static_cast<double>(bins));
  return edges;
}

// Returns all sums of all histograms, one after the other.
template <class Function>
std::vector<double> Sums(const ProbabilityMaps& maps, const std::vector<CalibrationOptions>& options,
                         Function function) {
  std::vector<std::vector<double>> arrays;
  for (const CalibrationOptions& each : options) {
    const auto groups = static_cast<size_t>(cpu::CalibrationGroups(each.score, maps.classes));
    for (int i = 0; i < 2; ++i) arrays.emplace_back(groups, -1.0);
    for (int i = 0; i < 4; ++i) arrays.emplace_back(groups * static_cast<size_t>(each.bins), -1.0);
    arrays.emplace_back(each.squares ? groups * static_cast<size_t>(each.bins) : 0, -1.0);
  }
  std::vector<CalibrationSums> sums;
  for (size_t at = 0; at < arrays.size(); at += 7)
    sums.push_back({arrays[at], arrays[at + 1], arrays[at + 2], arrays[at + 3], arrays[at + 4],
                    arrays[at + 5], arrays[at + 6]});
  function(maps, options, sums);
  std::vector<double> all;
  for (const auto& array : arrays) all.insert(all.end(), array.begin(), array.end());
  return all;
}

void CheckSums(const ProbabilityMaps& maps, const std::vector<CalibrationOptions>& options) {
  const auto expected = Sums(maps, options, cpu::CalibrationBins);
  const auto got = Sums(maps, options, cuda::CalibrationBins);
  for (size_t i = 0; i < got.size(); ++i) {
    const bool exact = maps.weights.empty() && !options[0].squares;
    const bool equal =
        exact ? got[i] == expected[i] : std::abs(got[i] - expected[i]) <= 1e-12 * std::abs(expected[i]);
    CHECK(equal, "at ", i, ": ", got[i], " not ", expected[i]);
    if (!equal) return;
  }
}

}  // namespace

CUDA_TEST(CalibrationBinsEqualCpu) {
  const auto ten = Edges(10), many = Edges(200), one = Edges(1);
  std::vector<double> uneven{0, 0.1, 0.1, 0.35, 0.5, 1}, per_class;
  for (int c = 0; c < 3; ++c) per_class.insert(per_class.end(), uneven.begin(), uneven.end());
  per_class[9] = 0.4;
  for (const int64_t pixels : {1, 130, 20000}) {
    const Case c(2, 3, pixels);
    const std::vector<CalibrationOptions> all{
        {Score::kForeground, BinEdges::kRightClosed, 10, ten, -1},
        {Score::kClasses, BinEdges::kLeftClosed, 10, ten, 0},
        {Score::kTopLabel, BinEdges::kRightClosed, 200, many, -1},
        {Score::kClasses, BinEdges::kRightClosed, 5, per_class, 0.2f},
        {Score::kForeground, BinEdges::kLeftClosed, 1, one, -1},
        {Score::kTopLabel, BinEdges::kLeftClosed, 5, uneven, -1},
        {Score::kForeground, BinEdges::kRightClosed, 10, ten, -1, false},
        {Score::kClasses, BinEdges::kRightClosed, 5, per_class, -1, false}};
    ProbabilityMaps maps = c.Maps();
    CheckSums(maps, all);
    CheckSums(maps, {all[0]});
    maps.probs = std::span<const uint16_t>(c.halves);
    maps.mask = c.mask;
    maps.ignore = 1;
    CheckSums(maps, all);
    maps.weights = c.weights;
    CheckSums(maps, {all[1], all[2], all[3]});
    std::vector<CalibrationOptions> squared{all[2], all[3], all[6]};
    for (CalibrationOptions& each : squared) each.squares = true;
    squared.push_back(all[0]);
    CheckSums(maps, squared);
    maps.weights = {};
    CheckSums(maps, squared);
  }
}

CUDA_TEST(EqualMassEdgesEqualCpu) {
  for (const int64_t pixels : {1, 3, 900, 70000}) {
    const Case c(pixels > 10000 ? 1 : 2, 2, pixels);
    ProbabilityMaps maps = c.Maps();
    const auto check = [&](const CalibrationOptions& options) {
      const int64_t groups = cpu::CalibrationGroups(options.score, maps.classes);
      std::vector<double> expected(static_cast<size_t>(groups * (options.bins + 1))), found(expected.size());
      cpu::EqualMassEdges(maps, options, expected);
      cuda::EqualMassEdges(maps, options, found);
      CHECK(found == expected, "pixels ", pixels, " bins ", options.bins);
    };
    check({Score::kClasses, BinEdges::kRightClosed, 10, {}, -1});
    if (pixels > 10000) continue;
    for (const Score score : {Score::kForeground, Score::kClasses, Score::kTopLabel}) {
      check({score, BinEdges::kLeftClosed, 1, {}, -1});
      check({score, BinEdges::kLeftClosed, 40, {}, 0.1f});
    }
    maps.probs = std::span<const uint16_t>(c.halves);
    maps.mask = c.mask;
    maps.ignore = 1;
    check({Score::kClasses, BinEdges::kRightClosed, 40, {}, -1});
  }
}

// In pieces, to device memory, and with more nodes than are counted at once.
CUDA_TEST(EqualMassEdgesInPieces) {
  const Case c(3, 2, 1500);
  const size_t before = cuda::PieceBytes();
  cuda::SetPieceBytes(8000);
  const CalibrationOptions options{Score::kClasses, BinEdges::kRightClosed, 2500, {}, -1};
  std::vector<double> expected(5002), found(expected.size());
  cpu::EqualMassEdges(c.Maps(), options, expected);
  const cuda::DeviceMemory memory(expected.size() * sizeof(double));
  cuda::EqualMassEdges(c.Maps(), options, {static_cast<double*>(memory.data()), found.size()});
  memory.CopyTo(found.data());
  cuda::SetPieceBytes(before);
  CHECK(found == expected);
}

CUDA_TEST(ProbabilityScoresEqualCpu) {
  for (const int64_t pixels : {1, 300, 20000}) {
    Case c(2, 3, pixels);
    for (float& p : c.probs) p = p == 0 ? 0.001f : p;
    ProbabilityMaps maps = c.Maps();
    const auto check = [&](double floor) {
      const auto a = cpu::ProbabilityScores(maps, floor), b = cuda::ProbabilityScores(maps, floor);
      const auto near = [](double x, double y) { return std::abs(x - y) <= 1e-12 * std::abs(x); };
      CHECK(near(a.total, b.total) && near(a.brier, b.brier) && near(a.log_loss, b.log_loss), a.log_loss, " ",
            b.log_loss);
      CHECK(a.bounded == b.bounded, a.bounded, " ", b.bounded);
      CHECK(floor == 0 ? a.bounded == 0 : a.bounded > 0 || pixels == 1, a.bounded);
    };
    check(0);
    check(0.25);
    maps.mask = c.mask;
    maps.weights = c.weights;
    check(0);
    check(0.25);
  }
}

CUDA_TEST(ProbabilitiesAreRejectedAsOnTheCpu) {
  const auto ten = Edges(10);
  const auto message = [&](const ProbabilityMaps& maps, Score score, auto function) -> std::string {
    try {
      Sums(maps, {{score, BinEdges::kRightClosed, 10, ten, -1}}, function);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "nothing thrown";
  };
  for (int kind = 0; kind < 4; ++kind) {
    Case c(2, 3, 40);
    ProbabilityMaps maps = c.Maps();
    if (kind == 0) c.labels[50] = 3;
    if (kind == 1) c.probs[3 * 40 + 2 * 40 + 7] = 1.5f;
    if (kind == 2) c.probs[9] = std::nanf("");
    if (kind == 3) {
      c.weights[3] = -1;
      maps.weights = c.weights;
    }
    for (const auto score : {Score::kForeground, Score::kClasses, Score::kTopLabel}) {
      const std::string expected = message(maps, score, cpu::CalibrationBins);
      CHECK(expected != "nothing thrown" && message(maps, score, cuda::CalibrationBins) == expected,
            expected);
      if (kind == 3) continue;
      std::vector<double> edges(score == Score::kClasses ? 33 : 11);
      CHECK_THROWS(cuda::EqualMassEdges(maps, {score, BinEdges::kRightClosed, 10, {}, -1}, edges), expected);
    }
  }
  Case c(1, 2, 3);
  CHECK_THROWS(
      Sums(c.Maps(), {{Score::kClasses, BinEdges::kRightClosed, 10, Edges(9), -1}}, cuda::CalibrationBins),
      "edges: expected 11");
  std::vector<double> edges(20);
  CHECK_THROWS(cuda::EqualMassEdges(c.Maps(), {Score::kClasses, BinEdges::kRightClosed, 10, {}, -1}, edges),
               "edges: expected 22");
}

CUDA_TEST(ArgMaxEqualsCpu) {
  Case c(2, 5, 700);
  std::vector<uint8_t> a(1400), b(1400);
  const FloatSpan wide = std::span<const float>(c.probs), half = std::span<const uint16_t>(c.halves);
  for (const FloatSpan& values : {wide, half}) {
    cpu::ArgMax(values, 2, 5, 700, std::span(a));
    cuda::ArgMax(values, 2, 5, 700, std::span(b));
    CHECK(a == b);
  }
  std::vector<int32_t> whole(1400);
  cuda::ArgMax(half, 2, 5, 700, std::span(whole));
  CHECK(std::equal(a.begin(), a.end(), whole.begin()));
  c.probs[3000] = std::nanf("");
  CHECK_THROWS(cuda::ArgMax(wide, 2, 5, 700, std::span(b)), "values: NaN at pixel");
}

CUDA_TEST(ConfusionCountsEqualCpu) {
  for (const int64_t classes : {1, 4, 70}) {
    Case c(2, classes, 900);
    std::vector<uint8_t> predicted(1800);
    for (size_t i = 0; i < predicted.size(); ++i)
      predicted[i] = static_cast<uint8_t>(i * 7 % static_cast<size_t>(classes));
    std::vector<double> a(static_cast<size_t>(2 * classes * classes)), b(a.size());
    const LabelSpan seen = std::span<const uint8_t>(predicted), is = std::span<const int32_t>(c.labels);
    for (const bool masked : {false, true}) {
      const auto ignore = masked ? std::optional<int64_t>(0) : std::nullopt;
      const auto mask = masked ? std::span<const uint8_t>(c.mask) : std::span<const uint8_t>();
      cpu::ConfusionCounts(seen, is, 2, classes, 900, ignore, mask, a);
      cuda::ConfusionCounts(seen, is, 2, classes, 900, ignore, mask, b);
      CHECK(a == b, "classes ", classes);
    }
    predicted[5] = 200;
    c.labels[5] = 0;
    CHECK_THROWS(cuda::ConfusionCounts(seen, is, 2, classes, 900, std::nullopt, {}, b),
                 "predicted: expected");
  }
}
