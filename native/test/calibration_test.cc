#include "kernels/calibration.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "check.h"
#include "kernels/confusion.h"
#include "parallel.h"

namespace pixelcal {
namespace {

struct Case {
  int64_t batch, classes, pixels;
  std::vector<float> probs;
  std::vector<int32_t> labels;
  std::vector<uint8_t> mask;
  std::vector<float> weights;

  ProbabilityMaps Maps(bool masked, bool weighted) const {
    ProbabilityMaps maps{probs, std::span<const int32_t>(labels), batch, classes, pixels, -7, {}, {}};
    if (masked) maps.mask = mask;
    if (weighted) maps.weights = weights;
    return maps;
  }
};

// Probabilities with many exact edges, zeros and ones among them; the sum over classes does not matter here.
Case MakeCase(int64_t batch, int64_t classes, int64_t pixels, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(0.0f, 1.0f);
  Case made{batch, classes, pixels, {}, {}, {}, {}};
  for (int64_t i = 0; i < batch * classes * pixels; ++i) {
    const int kind = random() % 4;
    made.probs.push_back(kind == 0   ? static_cast<float>(random() % 11) / 10
                         : kind == 1 ? static_cast<float>(random() % 2)
                                     : uniform(random));
  }
  for (int64_t i = 0; i < batch * pixels; ++i) {
    made.labels.push_back(random() % 9 == 0 ? -7 : static_cast<int32_t>(random() % classes));
    made.mask.push_back(random() % 3);
    made.weights.push_back(static_cast<float>(random() % 5) / 4);
  }
  return made;
}

std::vector<double> Linspace(int bins) {
  std::vector<double> edges;
  for (int i = 0; i < bins; ++i) edges.push_back(i * (1.0 / bins));
  edges.push_back(1);
  return edges;
}

struct Sums {
  std::vector<double> total, count, confidence, accuracy, false_positive;
  Sums(int64_t groups, int64_t bins)
      : total(groups), count(groups * bins), confidence(count), accuracy(count), false_positive(count) {}
  CalibrationSums Spans() { return {total, count, confidence, accuracy, false_positive}; }
  bool operator==(const Sums&) const = default;
};

// The slow twin: for every group and bin, every pixel is compared with both edges in double.
Sums Reference(const ProbabilityMaps& maps, const CalibrationOptions& options) {
  const int64_t bins = options.bins, groups = cpu::CalibrationGroups(options.score, maps.classes);
  Sums sums(groups, bins);
  const auto labels = std::get<std::span<const int32_t>>(maps.labels);
  for (int64_t at = 0; at < maps.batch * maps.pixels; ++at) {
    if (labels[at] == *maps.ignore || (!maps.mask.empty() && !maps.mask[at])) continue;
    const float* probs = maps.probs.data() + at / maps.pixels * maps.classes * maps.pixels + at % maps.pixels;
    const double weight = maps.weights.empty() ? 1 : maps.weights[at];
    for (int64_t group = 0; group < groups; ++group) {
      float p = probs[group * maps.pixels];
      bool hit = labels[at] == group;
      if (options.score == Score::kForeground) {
        p = 1 - p;
        hit = labels[at] != 0;
      }
      if (options.score == Score::kTopLabel) {
        int64_t best = 0;
        for (int64_t c = 1; c < maps.classes; ++c)
          if (probs[c * maps.pixels] > probs[best * maps.pixels]) best = c;
        p = probs[best * maps.pixels];
        hit = labels[at] == best;
      }
      if (!(p > options.threshold)) continue;
      sums.total[group] += weight;
      for (int64_t bin = 0; bin < bins; ++bin) {
        const double* edge =
            options.edges.data() + (std::ssize(options.edges) > bins + 1 ? group * (bins + 1) : 0) + bin;
        const double low = edge[0], high = edge[1];
        const bool in = options.closed == BinEdges::kRightClosed
                            ? p > low && p <= high
                            : p >= low && (p < high || (bin == bins - 1 && p <= high));
        if (!in) continue;
        const int64_t to = group * bins + bin;
        sums.count[to] += weight;
        sums.confidence[to] += weight * p;
        sums.accuracy[to] += weight * hit;
        sums.false_positive[to] += weight * (hit ? 0.0 : p);
      }
    }
  }
  return sums;
}

bool Close(const std::vector<double>& a, const std::vector<double>& b) {
  for (size_t i = 0; i < a.size(); ++i)
    if (!(std::abs(a[i] - b[i]) <= 1e-12 * std::max(1.0, std::abs(b[i])))) return false;
  return a.size() == b.size();
}

TEST(CalibrationBinsEqualTheTwin) {
  for (const auto& [batch, classes, pixels] : std::vector<std::array<int64_t, 3>>{
           {1, 1, 1}, {1, 2, 3}, {3, 3, 17}, {2, 4, 33 * 33}, {1, 5, 4096}, {2, 2, 9001}}) {
    const Case made = MakeCase(batch, classes, pixels, static_cast<unsigned>(pixels));
    for (const Score score : {Score::kForeground, Score::kClasses, Score::kTopLabel})
      for (const BinEdges closed : {BinEdges::kRightClosed, BinEdges::kLeftClosed})
        for (const int bins : {1, 10, 15, 300})
          for (const float threshold : {-1.0f, 1e-3f, 0.5f})
            for (const int extra : {0, 1, 2, 3}) {
              const std::vector<double> edges = Linspace(bins);
              const CalibrationOptions options{score, closed, bins, edges, threshold};
              const ProbabilityMaps maps = made.Maps(extra & 1, extra & 2);
              const int64_t groups = cpu::CalibrationGroups(score, classes);
              Sums sums(groups, bins);
              cpu::CalibrationBins(maps, options, sums.Spans());
              const Sums expected = Reference(maps, options);
              const bool counts = sums.total == expected.total && sums.count == expected.count &&
                                  sums.accuracy == expected.accuracy;
              CHECK(counts && Close(sums.confidence, expected.confidence) &&
                        Close(sums.false_positive, expected.false_positive),
                    "score ", static_cast<int>(score), " closed ", static_cast<int>(closed), " bins ", bins,
                    " threshold ", threshold, " extra ", extra, " pixels ", pixels);
            }
  }
}

TEST(CalibrationBinsWithUnequalAndEqualEdges) {
  const Case made = MakeCase(1, 3, 5000, 1);
  const std::vector<double> edges{0, 0, 0.1, 0.1, 0.1, 0.7000000001, 1, 1};
  for (const BinEdges closed : {BinEdges::kRightClosed, BinEdges::kLeftClosed}) {
    const CalibrationOptions options{Score::kClasses, closed, 7, edges, -1};
    Sums sums(3, 7);
    cpu::CalibrationBins(made.Maps(false, false), options, sums.Spans());
    const Sums expected = Reference(made.Maps(false, false), options);
    CHECK(sums.count == expected.count);
    CHECK(Close(sums.confidence, expected.confidence));
  }
}

TEST(EqualMassEdgesSplitTheSortedProbabilities) {
  // More than one chunk; probabilities with and without ties.
  for (const auto& [pixels, levels] :
       std::vector<std::array<int64_t, 2>>{{70000, 1 << 20}, {1000, 7}, {3, 1 << 20}}) {
    Case made = MakeCase(1, 2, pixels, 7);
    std::mt19937 random(8);
    for (float& p : made.probs)
      p = static_cast<float>(random() % levels + 1) / static_cast<float>(levels + 1);
    for (int32_t& label : made.labels) label = std::max(label, 0);
    for (const BinEdges closed : {BinEdges::kRightClosed, BinEdges::kLeftClosed}) {
      CalibrationOptions options{Score::kClasses, closed, 4, {}, -1};
      std::vector<double> edges(10);
      cpu::EqualMassEdges(made.Maps(false, false), options, edges);
      for (int64_t c = 0; c < 2; ++c) {
        std::vector<float> sorted(made.probs.begin() + c * pixels, made.probs.begin() + (c + 1) * pixels);
        std::sort(sorted.begin(), sorted.end());
        CHECK(edges[c * 5] == 0 && edges[c * 5 + 4] == 1);
        for (int64_t bin = 1; bin < 4; ++bin) {
          const int64_t rank = bin * pixels / 4 - (closed == BinEdges::kRightClosed);
          CHECK(edges[c * 5 + bin] == (rank < 0 ? 0 : sorted[rank]));
        }
      }
      options.edges = edges;
      Sums sums(2, 4);
      cpu::CalibrationBins(made.Maps(false, false), options, sums.Spans());
      const Sums expected = Reference(made.Maps(false, false), options);
      CHECK(sums.count == expected.count && Close(sums.confidence, expected.confidence));
      for (int64_t cell = 0; cell < 8 && pixels == 70000; ++cell)
        CHECK(std::abs(sums.count[cell] - pixels / 4.0) < 5, sums.count[cell]);
    }
  }
}

TEST(CalibrationBinsGiveTheSameAtAnyThreadCountAndInAnyOrder) {
  Case made = MakeCase(3, 3, 70001, 2);
  const std::vector<double> edges = Linspace(10);
  const int before = ThreadCount();
  for (const bool weighted : {false, true}) {
    const CalibrationOptions options{Score::kClasses, BinEdges::kRightClosed, 10, edges, -1};
    Sums one(3, 10), many(3, 10);
    SetThreadCount(1);
    cpu::CalibrationBins(made.Maps(true, weighted), options, one.Spans());
    SetThreadCount(6);
    cpu::CalibrationBins(made.Maps(true, weighted), options, many.Spans());
    CHECK(one == many);
    const ProbabilityScoreSums a = cpu::ProbabilityScores(made.Maps(true, weighted));
    SetThreadCount(1);
    const ProbabilityScoreSums b = cpu::ProbabilityScores(made.Maps(true, weighted));
    CHECK(a.total == b.total && a.brier == b.brier);
  }
  SetThreadCount(before);
  const CalibrationOptions options{Score::kTopLabel, BinEdges::kLeftClosed, 10, edges, -1};
  Sums forward(1, 10), backward(1, 10);
  Case one = MakeCase(1, 1, 100000, 3);
  cpu::CalibrationBins(one.Maps(false, false), options, forward.Spans());
  std::reverse(one.probs.begin(), one.probs.end());
  std::reverse(one.labels.begin(), one.labels.end());
  cpu::CalibrationBins(one.Maps(false, false), options, backward.Spans());
  CHECK(forward == backward);
}

TEST(ProbabilityScoresEqualTheTwin) {
  Case made = MakeCase(2, 3, 4500, 4);
  for (float& p : made.probs) p = std::max(p, 0.01f);
  double total = 0, brier = 0, log_loss = 0;
  for (int64_t at = 0; at < 9000; ++at) {
    if (made.labels[at] < 0 || !made.mask[at]) continue;
    const double weight = made.weights[at];
    total += weight;
    for (int64_t c = 0; c < 3; ++c) {
      const double p = made.probs[(at / 4500 * 3 + c) * 4500 + at % 4500];
      brier += weight * std::pow(p - (made.labels[at] == c), 2);
      if (made.labels[at] == c) log_loss -= weight * std::log(p);
    }
  }
  const ProbabilityScoreSums sums = cpu::ProbabilityScores(made.Maps(true, true));
  CHECK(sums.total == total);
  CHECK(std::abs(sums.brier - brier) < 1e-10 * brier);
  CHECK(std::abs(sums.log_loss - log_loss) < 1e-10 * log_loss);
  const std::vector<float> certain{0, 1};
  const std::vector<uint8_t> label{0};
  const ProbabilityMaps wrong{certain, std::span<const uint8_t>(label), 1, 2, 1, {}, {}, {}};
  CHECK(std::isinf(cpu::ProbabilityScores(wrong).log_loss));
}

TEST(ArgMaxAndConfusionCounts) {
  const Case made = MakeCase(2, 4, 5000, 5);
  std::vector<uint8_t> narrow(10000);
  std::vector<int32_t> wide(10000);
  cpu::ArgMax(made.probs, 2, 4, 5000, std::span<uint8_t>(narrow));
  cpu::ArgMax(made.probs, 2, 4, 5000, std::span<int32_t>(wide));
  CHECK(std::equal(narrow.begin(), narrow.end(), wide.begin()));
  std::vector<double> counts(32), expected(32);
  for (int64_t at = 0; at < 10000; ++at) {
    int best = 0;
    for (int c = 1; c < 4; ++c)
      if (made.probs[(at / 5000 * 4 + c) * 5000 + at % 5000] >
          made.probs[(at / 5000 * 4 + best) * 5000 + at % 5000])
        best = c;
    CHECK(wide[at] == best);
    if (made.labels[at] >= 0 && made.mask[at]) ++expected[at / 5000 * 16 + made.labels[at] * 4 + best];
  }
  const std::span<const uint8_t> predicted(narrow);
  const std::span<const int32_t> labels(made.labels);
  cpu::ConfusionCounts(predicted, labels, 2, 4, 5000, -7, made.mask, counts);
  CHECK(counts == expected);
  CHECK_THROWS(cpu::ConfusionCounts(predicted, labels, 2, 4, 5000, {}, {}, counts),
               "labels: expected classes 0 to 3, got -7");
  CHECK_THROWS(cpu::ConfusionCounts(labels, predicted, 2, 4, 5000, {}, {}, counts),
               "predicted: expected classes 0 to 3, got -7");
  CHECK_THROWS(cpu::ConfusionCounts(predicted, labels, 2, 4, 4000, {}, {}, counts),
               "predicted: expected 8000 pixels");
  CHECK_THROWS(cpu::ConfusionCounts(predicted, labels, 2, 4, 5000, -7, std::span(made.mask).first(3), counts),
               "mask: expected 10000 pixels, got 3");
  std::vector<float> values{0, 1, 2, std::nanf("")};
  std::vector<uint8_t> out(2);
  CHECK_THROWS(cpu::ArgMax(values, 1, 2, 2, std::span<uint8_t>(out)),
               "values: expected no NaN, got one at pixel 1 (1 such pixels)");
  CHECK_THROWS(cpu::ArgMax(values, 1, 1, 2, std::span<uint8_t>(out)), "values: expected 2, got 4");
}

TEST(CalibrationRejects) {
  const std::vector<double> edges = Linspace(2);
  Case made = MakeCase(2, 2, 3, 6);
  Sums sums(2, 2);
  CalibrationOptions options{Score::kClasses, BinEdges::kRightClosed, 2, edges, -1};
  const auto run = [&](const Case& input, bool weighted) {
    cpu::CalibrationBins(input.Maps(true, weighted), options, sums.Spans());
  };
  const float nan = std::nanf("");
  for (const float bad : {nan, -0.001f, 1.001f, std::numeric_limits<float>::infinity()}) {
    Case broken = made;
    broken.probs[9] = bad;  // image 1, class 1, pixel 0
    broken.probs[8] = bad;  // image 1, class 0, pixel 2
    CHECK_THROWS(run(broken, false), "in class 1 at pixel 3 (2 such pixels)");
    CHECK_THROWS(run(broken, true), "probs: expected probabilities in [0, 1], got ");
  }
  Case broken = made;
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
    cpu::CalibrationBins(made.Maps(false, false),
                         {Score::kClasses, BinEdges::kRightClosed, std::ssize(other) - 1, other, -1},
                         sums.Spans());
  };
  CHECK_THROWS(with_edges({0}), "bins: expected at least 1, got 0");
  CHECK_THROWS(with_edges({0.1, 0.5, 1}), "edges: expected 0 first, got 0.1");
  CHECK_THROWS(with_edges({0, 0.5, 0.9}), "edges: expected 1 last, got 0.9");
  CHECK_THROWS(with_edges({0, 0.6, 0.5, 1}), "edges: expected increasing numbers, got 0.5 after 0.6");
  CHECK_THROWS(with_edges({0, 0.5, 0.6, 1}), "sums: expected 6 values, got 4");
  options.bins = 3;
  CHECK_THROWS(run(made, false), "edges: expected 4 or 8, got 3");
  std::vector<double> room(8);
  CHECK_THROWS(cpu::EqualMassEdges(made.Maps(false, true), options, room), "weights: expected none");
  CHECK_THROWS(cpu::EqualMassEdges(made.Maps(false, false), options, std::span(room).first(7)),
               "edges: expected 8, got 7");
  options.bins = 0;
  CHECK_THROWS(cpu::EqualMassEdges(made.Maps(false, false), options, room),
               "bins: expected at least 1, got 0");
  options.bins = 2;
  options.threshold = nan;
  CHECK_THROWS(run(made, false), "threshold: expected a number, got NaN");
}

}  // namespace
}  // namespace pixelcal
