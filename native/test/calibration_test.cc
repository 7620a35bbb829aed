#include "calibration/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "calibration/exact_sum.h"
#include "check.h"
#include "histogram_twin.h"
#include "probability_case.h"

namespace pixelcal::test {
namespace {

void CheckAgainstTwin(const ProbabilityMaps& maps, CalibrationOptions options) {
  options.squares = maps.pixels % 2 == 1;
  const Sums expected = Twin(maps, options);
  EverywhereAtAnyThreadCount([&] {
    const Sums sums = Bins(maps, options);
    CHECK(SameSums(sums, expected, maps), "isa ", static_cast<int>(ActiveIsa()), " score ",
          static_cast<int>(options.score), " closed ", static_cast<int>(options.closed), " bins ",
          options.bins, " threshold ", options.threshold, " masked ", !maps.mask.empty(), " weighted ",
          !maps.weights.empty(), " pixels ", maps.pixels);
  });
}

TEST(CalibrationBinsEqualTheTwin) {
  for (const auto& [batch, classes, pixels] :
       std::vector<std::array<int64_t, 3>>{{1, 1, 1}, {1, 2, 3}, {3, 3, 17}, {2, 4, 33 * 33}, {2, 2, 6001}}) {
    const ProbabilityCase made = MakeCase(batch, classes, pixels, static_cast<unsigned>(pixels));
    for (const Score score : {Score::kForeground, Score::kClasses, Score::kTopLabel})
      for (const BinEdges closed : {BinEdges::kRightClosed, BinEdges::kLeftClosed})
        for (const int bins : {1, 10})
          for (const float threshold : {-1.0f, 0.0f, 1e-3f, 0.5f})
            for (const int extra : {0, 1, 2, 3}) {
              const std::vector<double> edges = Linspace(bins);
              CheckAgainstTwin(made.Maps(extra & 1, extra & 2), {score, closed, bins, edges, threshold});
              CheckAgainstTwin(made.Maps(extra & 1, extra & 2),
                               {score, closed, bins, edges, threshold, false});
            }
  }
}

// Whatever else is asked for, with the same bits at any thread count.
TEST(SquaresAreOnlyOfTheHistogramsThatWantThem) {
  const ProbabilityCase made = MakeCase(3, 3, 20011, 4);
  const std::vector<double> edges = Linspace(10);
  const std::vector<CalibrationOptions> options{
      {Score::kForeground, BinEdges::kRightClosed, 10, edges, -1},
      {Score::kClasses, BinEdges::kRightClosed, 10, edges, 1e-3f, true, true},
      {Score::kTopLabel, BinEdges::kLeftClosed, 10, edges, -1, true, true}};
  for (const bool weighted : {false, true}) {
    const ProbabilityMaps maps = made.Maps(true, weighted);
    std::vector<Sums> alone;
    for (const CalibrationOptions& each : options) alone.push_back(Bins(maps, each));
    EverywhereAtAnyThreadCount([&] {
      std::vector<Sums> together;
      for (const CalibrationOptions& each : options)
        together.emplace_back(cpu::CalibrationGroups(each.score, maps.classes), 10, each.squares);
      std::vector<CalibrationSums> spans;
      for (Sums& sums : together) spans.push_back(sums.Spans());
      cpu::CalibrationBins(maps, options, spans);
      CHECK(together == alone);
    });
  }
}

// Returns the limits of some numbers of bins in single and double precision, and what is next to them.
std::vector<float> NearLimits() {
  std::vector<float> values;
  for (const int bins : {7, 10, 12, 15, 20, 63, 64})
    for (int at = 0; at <= bins; ++at)
      for (const float value :
           {static_cast<float>(at * (1.0 / bins)), 1 - static_cast<float>(bins - at) / bins})
        for (const float next : {std::nextafter(value, 0.0f), value, std::nextafter(value, 1.0f)})
          values.push_back(next);
  for (const float value : {1e-3f, 0.503f}) values.push_back(value);
  return values;
}

// Histograms of one score share a pass over its row where their limits allow it.
TEST(HistogramsTogetherEqualTheTwinOfEach) {
  std::vector<std::vector<double>> edges;
  for (const int bins : {7, 10, 12, 15, 20, 63, 64, 200}) edges.push_back(Linspace(bins));
  for (const int bins : {15, 20}) {
    std::vector<double>& rounded = edges.emplace_back(Linspace(bins));
    for (double& edge : rounded) edge = static_cast<float>(edge);
  }
  edges.push_back({0, 0.1, 0.11, 0.11, 0.7, 1});
  const std::vector<float> values = NearLimits();
  for (const int64_t classes : {2, 3}) {
    ProbabilityCase made = MakeCase(2, classes, 5003, static_cast<unsigned>(classes));
    // The first class of half of the pixels.
    for (size_t i = 0; i < 5003; i += 2) made.probs[i] = values[i / 2 % values.size()];
    std::vector<CalibrationOptions> options;
    for (const Score score : {Score::kForeground, Score::kClasses, Score::kTopLabel})
      for (const auto& of : edges)
        for (const BinEdges closed : {BinEdges::kRightClosed, BinEdges::kLeftClosed})
          for (const float threshold : {-1.0f, 1e-3f, 0.503f, 1 - 0x1p-24f, 1.0f})
            for (const bool lowest : {false, true})
              options.push_back({score, closed, std::ssize(of) - 1, of, threshold, lowest});
    const ProbabilityMaps maps = made.Maps(true, false);
    std::vector<Sums> expected;
    for (const CalibrationOptions& each : options) expected.push_back(Twin(maps, each));
    EverywhereAtAnyThreadCount([&] {
      std::vector<Sums> sums;
      for (const CalibrationOptions& each : options)
        sums.emplace_back(cpu::CalibrationGroups(each.score, maps.classes), each.bins);
      std::vector<CalibrationSums> spans;
      for (Sums& each : sums) spans.push_back(each.Spans());
      cpu::CalibrationBins(maps, options, spans);
      for (size_t h = 0; h < options.size(); ++h)
        CHECK(SameSums(sums[h], expected[h], maps), "isa ", static_cast<int>(ActiveIsa()), " score ",
              static_cast<int>(options[h].score), " bins ", options[h].bins, " closed ",
              static_cast<int>(options[h].closed), " threshold ", options[h].threshold);
    });
  }
}

// Alone and beside histograms of all pixels, from whose hits or misses some of them come.
TEST(HistogramsOfObjectsLeaveOutLabelZero) {
  const std::vector<double> edges = Linspace(15), other = Linspace(20);
  for (const int64_t classes : {1, 2, 3}) {
    const ProbabilityCase made = MakeCase(2, classes, 4099, static_cast<unsigned>(classes));
    const ProbabilityMaps maps = made.Maps(true, false);
    ProbabilityCase objects = made;
    for (size_t i = 0; i < objects.labels.size(); ++i)
      if (objects.labels[i] == 0) objects.mask[i] = 0;
    for (const Score score : {Score::kForeground, Score::kClasses, Score::kTopLabel})
      for (const float threshold : {-1.0f, 0.3f}) {
        CalibrationOptions options{score, BinEdges::kRightClosed, 15, edges, threshold, false};
        const Sums expected = Twin(objects.Maps(true, false), options);
        const CalibrationOptions beside{score, BinEdges::kLeftClosed, 20, other};
        options.objects = true;
        EverywhereAtAnyThreadCount([&] {
          CHECK(SameSums(Bins(maps, options), expected, maps), "score ", static_cast<int>(score));
          const std::vector<CalibrationOptions> both{beside, options};
          const int64_t groups = cpu::CalibrationGroups(score, classes);
          std::vector<Sums> sums{Sums(groups, 20), Sums(groups, 15)};
          const std::vector<CalibrationSums> spans{sums[0].Spans(), sums[1].Spans()};
          cpu::CalibrationBins(maps, both, spans);
          CHECK(SameSums(sums[1], expected, maps), "beside others, score ", static_cast<int>(score));
          CHECK(SameSums(sums[0], Twin(maps, beside), maps), "others, score ", static_cast<int>(score));
        });
      }
  }
}

TEST(CalibrationBinsEqualTheTwinAtAnyNumberOfBins) {
  const ProbabilityCase made = MakeCase(1, 2, 2100, 1);
  for (const int bins : {1, 2, 10, 15, 16, 17, 31, 32, 40, 41, 100, 1024})
    for (const BinEdges closed : {BinEdges::kRightClosed, BinEdges::kLeftClosed})
      for (const bool weighted : {false, true}) {
        std::vector<double> edges = Linspace(bins);
        CheckAgainstTwin(made.Maps(false, weighted), {Score::kClasses, closed, bins, edges, -1});
        CheckAgainstTwin(made.Maps(false, weighted), {Score::kClasses, closed, bins, edges, -1, false});
        // The edges in single precision, as NumPy 1 compares.
        for (double& edge : edges) edge = static_cast<float>(edge);
        CheckAgainstTwin(made.Maps(false, weighted), {Score::kClasses, closed, bins, edges, 1e-3f});
      }
}

TEST(CalibrationBinsEqualTheTwinAroundBlocks) {
  const std::vector<double> edges = Linspace(10);
  for (const int64_t pixels : {15, 16, 31, 32, 33, 2047, 2048, 2049, 4097, 30719, 30721}) {
    const ProbabilityCase made = MakeCase(2, 2, pixels, static_cast<unsigned>(pixels));
    CheckAgainstTwin(made.Maps(true, false), {Score::kTopLabel, BinEdges::kLeftClosed, 10, edges, -1});
    CheckAgainstTwin(made.Maps(false, true), {Score::kClasses, BinEdges::kRightClosed, 10, edges, -1});
  }
}

TEST(CalibrationBinsWithUnequalAndEqualEdges) {
  const ProbabilityCase made = MakeCase(1, 3, 5000, 1);
  std::vector<double> crowded{0, 0, 0.1, 0.1, 0.1, 0.7000000001, 1, 1};
  // The limits are so many, and so uneven, that they are looked up; the last third lies within one cell of
  // the table.
  std::vector<double> many;
  for (int i = 0; i <= 60; ++i)
    many.push_back(i < 40 ? std::pow(i / 40.0, 3) * 0.99 : 0.99 + (i - 40) * 1e-4);
  many.back() = 1;
  // A table for each class.
  std::vector<double> each{0, 0.2, 1, 0, 0.5, 1, 0, 1e-40, 1};
  for (const BinEdges closed : {BinEdges::kRightClosed, BinEdges::kLeftClosed})
    for (const bool weighted : {false, true}) {
      CheckAgainstTwin(made.Maps(false, weighted), {Score::kClasses, closed, 7, crowded, -1});
      CheckAgainstTwin(made.Maps(false, weighted), {Score::kClasses, closed, 60, many, -1});
      CheckAgainstTwin(made.Maps(false, weighted), {Score::kClasses, closed, 2, each, -1});
    }
}

// Most pixels are misses in the first bin, hits in the last one, or not counted, between stretches of noise.
TEST(CalibrationBinsOfSureProbabilitiesEqualTheTwin) {
  for (const int64_t pixels : {15, 1000, 2048, 7001}) {
    ProbabilityCase made = MakeCase(1, 3, pixels, static_cast<unsigned>(pixels));
    for (int64_t i = 0; i < 3 * pixels; ++i) {
      const int64_t pixel = i % pixels;
      if (pixel % 700 < 400 && pixel * 7 % 8 != 0)
        made.probs[i] = made.labels[pixel] == i / pixels ? 0.97f : pixel % 2 ? 0.03f : 1e-4f;
    }
    for (const BinEdges closed : {BinEdges::kRightClosed, BinEdges::kLeftClosed})
      for (const int bins : {1, 10, 100})
        for (const float threshold : {-1.0f, 1e-3f}) {
          const std::vector<double> edges = Linspace(bins);
          CheckAgainstTwin(made.Maps(false, false), {Score::kClasses, closed, bins, edges, threshold});
        }
  }
}

TEST(CalibrationBinsOfFloat16EqualTheTwin) {
  for (const int64_t pixels : {1, 17, 2048, 5001}) {
    const ProbabilityCase made = MakeCase(2, 3, pixels, static_cast<unsigned>(pixels), true);
    const std::vector<double> edges = Linspace(10);
    for (const Score score : {Score::kForeground, Score::kClasses, Score::kTopLabel})
      for (const bool weighted : {false, true})
        CheckAgainstTwin(made.Maps(true, weighted), {score, BinEdges::kRightClosed, 10, edges, -1});
  }
}

TEST(SeveralHistogramsFromOnePass) {
  const ProbabilityCase made = MakeCase(2, 3, 9001, 2);
  const std::vector<double> ten = Linspace(10), many = Linspace(50);
  const std::vector<CalibrationOptions> options{{Score::kTopLabel, BinEdges::kLeftClosed, 50, many, -1},
                                                {Score::kClasses, BinEdges::kRightClosed, 10, ten, 1e-3f},
                                                {Score::kForeground, BinEdges::kRightClosed, 10, ten, -1},
                                                {Score::kClasses, BinEdges::kLeftClosed, 50, many, -1},
                                                {Score::kForeground, BinEdges::kLeftClosed, 50, many, 0.25f}};
  for (const bool weighted : {false, true}) {
    const ProbabilityMaps maps = made.Maps(true, weighted);
    std::vector<Sums> sums;
    std::vector<CalibrationSums> spans;
    for (const CalibrationOptions& each : options)
      sums.emplace_back(cpu::CalibrationGroups(each.score, 3), each.bins);
    for (Sums& each : sums) spans.push_back(each.Spans());
    cpu::CalibrationBins(maps, options, spans);
    for (size_t h = 0; h < options.size(); ++h) CHECK(sums[h] == Bins(maps, options[h]), "histogram ", h);
  }
  std::vector<CalibrationSums> none;
  cpu::CalibrationBins(made.Maps(false, false), {}, none);
  CHECK_THROWS(cpu::CalibrationBins(made.Maps(false, false), options, none),
               "sums: expected one for each of 5 histograms, got 0");
}

TEST(CalibrationBinsOfEveryLabelType) {
  const ProbabilityCase made = MakeCase(1, 3, 5003, 3);
  std::vector<uint8_t> bytes;
  std::vector<int64_t> longs;
  for (const int32_t label : made.labels) {
    bytes.push_back(label < 0 ? 200 : static_cast<uint8_t>(label));
    longs.push_back(label < 0 ? int64_t{1} << 40 : label);
  }
  const std::vector<double> edges = Linspace(10);
  const CalibrationOptions options{Score::kClasses, BinEdges::kRightClosed, 10, edges, -1};
  const Sums expected = Twin(made.Maps(true, false), options);
  EverywhereAtAnyThreadCount([&] {
    ProbabilityMaps maps = made.Maps(true, false);
    maps.labels = std::span<const uint8_t>(bytes);
    maps.ignore = 200;
    CHECK(Bins(maps, options) == expected);
    maps.labels = std::span<const int64_t>(longs);
    maps.ignore = int64_t{1} << 40;
    CHECK(Bins(maps, options) == expected);
    // An ignored label that 8 or 32 bits cannot hold ignores nothing, not its remainder in those bits.
    maps.ignore = (int64_t{1} << 40) + (int64_t{1} << 33) + 1;
    CHECK_THROWS(Bins(maps, options), "labels: expected classes 0 to 2, got 1099511627776");
    maps = made.Maps(true, false);
    maps.labels = std::span<const uint8_t>(bytes);
    maps.ignore = 456;
    CHECK_THROWS(Bins(maps, options), "labels: expected classes 0 to 2, got 200");
  });
}

TEST(CalibrationBinsInAnyOrder) {
  const std::vector<double> edges = Linspace(10);
  ProbabilityCase made = MakeCase(1, 1, 100000, 3);
  const CalibrationOptions options{Score::kTopLabel, BinEdges::kLeftClosed, 10, edges, -1};
  const Sums forward = Bins(made.Maps(false, false), options);
  std::reverse(made.probs.begin(), made.probs.end());
  std::reverse(made.labels.begin(), made.labels.end());
  CHECK(Bins(made.Maps(false, false), options) == forward);
}

TEST(WeightedBinsAreTheSameEverywhere) {
  ProbabilityCase made = MakeCase(3, 3, 70001, 2);
  for (float& weight : made.weights) weight *= 0.3f;
  const std::vector<double> edges = Linspace(10);
  const CalibrationOptions options{Score::kClasses, BinEdges::kRightClosed, 10, edges, -1};
  const Sums expected = Bins(made.Maps(true, true), options);
  EverywhereAtAnyThreadCount([&] { CHECK(Bins(made.Maps(true, true), options) == expected); });
}

// One bin has so many pixels that chunks are longer than cells can hold.
TEST(FullCellsAreEmptiedInTime) {
  constexpr int64_t kPixels = 8'000'017;
  const std::vector<float> probs(kPixels, 1.0f);
  const std::vector<uint8_t> labels(kPixels, 0);
  const std::vector<double> edges = Linspace(2);
  const ProbabilityMaps maps{
      std::span<const float>(probs), std::span<const uint8_t>(labels), 1, 1, kPixels, {}, {}, {}};
  ForEachIsa([&] {
    const Sums sums = Bins(maps, {Score::kClasses, BinEdges::kRightClosed, 2, edges, -1});
    CHECK(sums.count[1] == kPixels && sums.confidence[1] == kPixels && sums.accuracy[1] == kPixels);
    CHECK(sums.total[0] == kPixels && sums.count[0] == 0 && sums.false_positive[1] == 0);
  });
}

TEST(TotalsBeyond64Bits) {
  cpu::FixedTotal total, half;
  // The total is 2^20 times (2^60 + 1) units of 2^-40.
  for (int i = 0; i < 1 << 20; ++i) total.Add((uint64_t{1} << 60) + 1);
  CHECK(total.Value() == 0x1p40 + 0x1p-20, total.Value());
  half.Add((uint64_t{1} << 40) - 1);
  half.Add(half);
  half.Add(2);
  CHECK(half.Value() == 2);
}

TEST(CalibrationRejects) {
  const std::vector<double> edges = Linspace(2);
  ProbabilityCase made = MakeCase(2, 2, 3, 6);
  CalibrationOptions options{Score::kClasses, BinEdges::kRightClosed, 2, edges, -1};
  const auto run = [&](const ProbabilityCase& input, bool weighted) {
    Bins(input.Maps(true, weighted), options);
  };
  const float nan = std::nanf("");
  for (const float bad : {nan, -0.001f, 1.001f, std::numeric_limits<float>::infinity()}) {
    ProbabilityCase broken = made;
    broken.probs[9] = bad;  // image 1, class 1, pixel 0
    broken.probs[8] = bad;  // image 1, class 0, pixel 2
    CHECK_THROWS(run(broken, false), "in class 1 at pixel 3 (2 such pixels)");
    CHECK_THROWS(run(broken, true), "probs: expected probabilities in [0, 1], got ");
  }
  ProbabilityCase broken = made;
  broken.labels = {0, 1, 2, 1, 0, -1};
  CHECK_THROWS(run(broken, false), "labels: expected classes 0 to 1, got 2 at pixel 2 (2 such pixels)");
  broken = made;
  broken.weights[4] = -1;
  CHECK_THROWS(run(broken, true),
               "weights: expected finite numbers of at least 0, got -1 at pixel 4 (1 such pixels)");
  broken = made;
  broken.mask.pop_back();
  CHECK_THROWS(run(broken, false), "mask: expected 6 pixels, got 5");
  broken = made;
  broken.probs.pop_back();
  CHECK_THROWS(run(broken, false), "probs: expected 12 values, got 11");
  broken = made;
  broken.labels.pop_back();
  CHECK_THROWS(run(broken, false), "labels: expected 6 pixels, got 5");
  broken = made;
  broken.weights.pop_back();
  CHECK_THROWS(run(broken, true), "weights: expected 6 pixels, got 5");
  const auto with_edges = [&](std::vector<double> other) {
    Bins(made.Maps(false, false),
         {Score::kClasses, BinEdges::kRightClosed, std::ssize(other) - 1, other, -1});
  };
  CHECK_THROWS(with_edges({0}), "bins: expected 1 to 65536, got 0");
  CHECK_THROWS(with_edges({0.1, 0.5, 1}), "edges: expected 0 first, got 0.1");
  CHECK_THROWS(with_edges({0, 0.5, 0.9}), "edges: expected 1 last, got 0.9");
  CHECK_THROWS(with_edges({0, 0.6, 0.5, 1}), "edges: expected increasing numbers, got 0.5 after 0.6");
  Sums small(2, 1);
  const CalibrationSums spans = small.Spans();
  CHECK_THROWS(cpu::CalibrationBins(made.Maps(false, false), {&options, 1}, {&spans, 1}),
               "sums: expected 4 values, got 2");
  options.bins = 3;
  CHECK_THROWS(run(made, false), "edges: expected 4 or 8, got 3");
  options.bins = 2;
  options.objects = true;
  CHECK_THROWS(run(made, true), "objects: not supported with weights, nor with squares");
  options.objects = false;
  options.threshold = nan;
  CHECK_THROWS(run(made, false), "threshold: expected a number, got NaN");
}

}  // namespace
}  // namespace pixelcal::test
