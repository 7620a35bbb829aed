// Kernels on single pixels and on flat arrays: a repeated pattern gives a multiple of its sums.
#include <array>
#include <vector>

#include "calibration/calibration.h"
#include "large.h"
#include "optimizer/optimizer.h"
#include "overlap/confusion.h"

namespace pixelcal {
namespace {

using test::CheckRepeats;
using test::Repeat;
using test::Zeros;

constexpr int64_t kMany = int64_t{1} << 31;
constexpr int64_t kBins = 10;

std::vector<double> EqualWidth() {
  std::vector<double> edges;
  for (int64_t i = 0; i <= kBins; ++i) edges.push_back(static_cast<double>(i) / kBins);
  return edges;
}

struct Sums {
  std::vector<double> total, dropped, count, confidence, accuracy, false_positive;
  explicit Sums(size_t groups)
      : total(groups),
        dropped(groups),
        count(groups * kBins),
        confidence(count.size()),
        accuracy(count.size()),
        false_positive(count.size()) {}
  CalibrationSums Spans() { return {total, dropped, count, confidence, accuracy, false_positive}; }
};

ProbabilityMaps MapsOf(std::span<const uint16_t> probs, std::span<const uint8_t> labels, int64_t classes) {
  ProbabilityMaps maps;
  maps.probs = probs;
  maps.labels = labels;
  maps.classes = classes;
  maps.pixels = std::ssize(labels);
  return maps;
}

// Returns all results for probability maps of two classes: sums, then edges of equal mass.
std::vector<double> HistogramsOf(const ProbabilityMaps& maps) {
  const std::vector<double> edges = EqualWidth();
  std::vector<CalibrationOptions> options;
  std::vector<Sums> sums;
  for (const Score score : {Score::kForeground, Score::kClasses, Score::kTopLabel}) {
    options.push_back({.score = score, .bins = kBins, .edges = edges});
    sums.emplace_back(static_cast<size_t>(cpu::CalibrationGroups(score, maps.classes)));
  }
  std::vector<CalibrationSums> spans;
  for (Sums& each : sums) spans.push_back(each.Spans());
  cpu::CalibrationBins(maps, options, spans);
  std::vector<double> values;
  for (const Sums& each : sums)
    for (const auto* of : {&each.total, &each.count, &each.confidence, &each.accuracy, &each.false_positive})
      values.insert(values.end(), of->begin(), of->end());
  return values;
}

std::vector<double> EdgesOf(const ProbabilityMaps& maps, Score score) {
  std::vector<double> edges(static_cast<size_t>(cpu::CalibrationGroups(score, maps.classes) * (kBins + 1)));
  cpu::EqualMassEdges(maps, {.score = score, .bins = kBins, .edges = {}}, edges);
  return edges;
}

// Returns the float16 k / 256 for 0 <= k <= 256: sums of such numbers, and of their squares, are exact.
uint16_t Half(int k) {
  if (k == 0) return 0;
  int top = 8;
  while (k >> top == 0) --top;
  return static_cast<uint16_t>((15 - 8 + top) << 10 | (k << (10 - top) & 0x3ff));
}

// One image of kRepeats x kPattern pixels in float16 and uint8, whose arrays repeat those of a small one.
LARGE_TEST(CalibrationOfAnImage, 14) {
  constexpr int64_t kPattern = 6010, kRepeats = kMany / kPattern + 1, kPixels = kPattern * kRepeats;
  constexpr auto kTimes = static_cast<double>(kRepeats);
  std::vector<uint16_t> probs(2 * kPattern);
  std::vector<uint8_t> labels(kPattern), winners(kPattern);
  for (size_t i = 0; i < kPattern; ++i) {
    const int k = static_cast<int>(i * i % 257);
    probs[i] = Half(k);
    probs[kPattern + i] = Half(256 - k);
    labels[i] = i % 7 < 3;
  }
  Zeros<uint16_t> many_probs(2 * kPixels);
  Zeros<uint8_t> many_labels(kPixels), many_winners(kPixels);
  for (const size_t c : {0, 1})
    Repeat(std::span<const uint16_t>(probs).subspan(c * kPattern, kPattern),
           many_probs.all().subspan(c * kPixels, kPixels));
  Repeat<uint8_t>(labels, many_labels.all());
  const ProbabilityMaps small = MapsOf(probs, labels, 2);
  const ProbabilityMaps large = MapsOf(many_probs.values(), many_labels.values(), 2);

  const std::vector<double> once = HistogramsOf(small), often = HistogramsOf(large);
  for (size_t i = 0; i < once.size(); ++i)
    CHECK(often[i] == kTimes * once[i], i, ": ", often[i], " instead of ", kTimes * once[i]);
  // kBins divides kPattern, so that ranks are multiples too.
  for (const Score score : {Score::kForeground, Score::kClasses, Score::kTopLabel})
    CHECK(EdgesOf(large, score) == EdgesOf(small, score));

  const ProbabilityScoreSums one = cpu::ProbabilityScores(small), all = cpu::ProbabilityScores(large);
  CHECK(all.total == kTimes * one.total && all.brier == kTimes * one.brier);
  CHECK(std::isinf(one.log_loss) == std::isinf(all.log_loss));

  cpu::ArgMax(small.probs, 1, 2, kPattern, std::span<uint8_t>(winners));
  cpu::ArgMax(large.probs, 1, 2, kPixels, many_winners.all());
  CheckRepeats<uint8_t>(winners, many_winners.all());
  std::array<double, 4> pairs{}, many_pairs{};
  cpu::ConfusionCounts(std::span<const uint8_t>(winners), small.labels, 1, 2, kPattern, {}, {}, pairs);
  cpu::ConfusionCounts(many_winners.values(), large.labels, 1, 2, kPixels, {}, {}, many_pairs);
  for (size_t i = 0; i < 4; ++i) CHECK(many_pairs[i] == kTimes * pairs[i], i, " ", many_pairs[i]);
}

// One bin gets more pixels than 32 bits count: zeros, of one class.
LARGE_TEST(CountsBeyond32Bits, 1) {
  constexpr int64_t kPixels = 2 * kMany + 12345;
  constexpr auto kAll = static_cast<double>(kPixels);
  const Zeros<uint16_t> probs(kPixels);
  const Zeros<uint8_t> labels(kPixels);
  const ProbabilityMaps maps = MapsOf(probs.values(), labels.values(), 1);
  const std::vector<double> edges = EqualWidth();
  Sums sums(1);
  const CalibrationOptions options{
      .score = Score::kClasses, .closed = BinEdges::kLeftClosed, .bins = kBins, .edges = edges};
  const CalibrationSums spans = sums.Spans();
  cpu::CalibrationBins(maps, {&options, 1}, {&spans, 1});
  CHECK(sums.total[0] == kAll && sums.count[0] == kAll && sums.accuracy[0] == kAll, sums.count[0]);
  CHECK(sums.confidence[0] == 0 && sums.false_positive[0] == 0 && sums.count[1] == 0);
  const std::vector<double> ends = EdgesOf(maps, Score::kForeground);
  for (size_t i = 1; i <= kBins; ++i) CHECK(ends[i] == 1, i, " ", ends[i]);
  double pairs = 0;
  cpu::ConfusionCounts(labels.values(), labels.values(), 1, 1, kPixels, {}, {}, {&pairs, 1});
  CHECK(pairs == kAll, pairs);
}

LARGE_TEST(SgdOfOneArray, 9) {
  constexpr int64_t kCount = kMany + 4321;
  const std::array<int64_t, 3> places{7, kMany - 1, kCount - 1};
  Zeros<float> values(kCount), gradient(kCount);
  std::fill(values.all().begin(), values.all().end(), 1.0f);
  for (const int64_t at : places) gradient[at] = 1;
  const SgdParameter parameter{values.all(), gradient.values(), {}, 0.5};
  cpu::Sgd({&parameter, 1}, {.learning_rate = 0.5});
  CHECK(std::count(values.all().begin(), values.all().end(), 0.75f) == kCount - 3);
  for (const int64_t at : places) CHECK(values[at] == 0.25f, at, " ", values[at]);
}

// Four arrays of more than 2^31 bytes.
LARGE_TEST(AdamwOfOneArray, 9) {
  constexpr int64_t kCount = kMany / 4 + 4321;
  Zeros<float> values(kCount), gradient(kCount), average(kCount), square(kCount);
  gradient[kCount - 2] = 2;
  const AdamwParameter parameter{values.all(), gradient.values(), average.all(), square.all(), 0};
  cpu::Adamw({&parameter, 1}, {.learning_rate = 0.5, .epsilon = 0});
  CHECK(std::abs(values[kCount - 2] + 0.5f) < 1e-6f, values[kCount - 2]);
  CHECK(std::abs(average[kCount - 2] - 0.2f) < 1e-6f && square[kCount - 2] > 0);
  CHECK(average[kCount - 3] == 0 && square[kCount - 1] == 0);
}

LARGE_TEST(GradientNormOfOneArray, 1) {
  constexpr int64_t kCount = 2 * kMany + 4321;
  Zeros<float> gradient(kCount);
  gradient[kMany + 3] = 3;
  gradient[kCount - 1] = 4;
  const std::span<const float> all = gradient.values();
  CHECK(cpu::GradientNorm({&all, 1}) == 5);
}

}  // namespace
}  // namespace pixelcal
