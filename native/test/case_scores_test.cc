#include "scoring/case_scores.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "boundary_calibration_twin.h"
#include "check.h"
#include "components/centerline.h"
#include "overlap/confusion.h"
#include "probability_case.h"

namespace pixelcal::test {
namespace {

std::vector<double> Edges(int64_t bins) {
  std::vector<double> edges;
  for (int64_t i = 0; i <= bins; ++i) edges.push_back(static_cast<double>(i) / static_cast<double>(bins));
  return edges;
}

// The wanted scores of a case.
struct Wanted {
  std::vector<CalibrationOptions> histograms;
  std::vector<double> floors;
  bool confusion;
  std::vector<CaseSurfaces> surfaces;
  std::vector<BoundaryCalibrationOptions> rings = {};
  bool temperature = false;
  std::vector<CaseLesions> lesions = {};
};

// All results as numbers, one after the other.
using Numbers = std::vector<double>;

struct BinRoom {
  std::vector<double> numbers;
  std::vector<CalibrationSums> sums;

  BinRoom(const ProbabilityMaps& maps, const std::vector<CalibrationOptions>& histograms) {
    int64_t length = 0;
    for (const auto& each : histograms)
      length += cpu::CalibrationGroups(each.score, maps.classes) * (2 + (each.squares ? 5 : 4) * each.bins);
    numbers.assign(static_cast<size_t>(length), -1);
    std::span<double> rest(numbers);
    const auto next = [&](int64_t count) {
      const auto part = rest.first(static_cast<size_t>(count));
      rest = rest.subspan(part.size());
      return part;
    };
    for (const auto& each : histograms) {
      const int64_t groups = cpu::CalibrationGroups(each.score, maps.classes), cells = groups * each.bins;
      CalibrationSums& to = sums.emplace_back();
      to = {next(groups), next(groups), next(cells), next(cells), next(cells), next(cells)};
      if (each.squares) to.squares = next(cells);
    }
  }
};

void Add(const ProbabilityScoreSums& sums, Numbers& all) {
  all.insert(all.end(), {sums.total, sums.brier, sums.log_loss, sums.bounded});
}

void Add(const std::vector<SurfaceMeasures>& measures, Numbers& all) {
  for (const auto& [hd, hd95, hd_percentile, assd, nsd, a_to_b, b_to_a] : measures)
    all.insert(all.end(), {hd, hd95, hd_percentile, assd, nsd, a_to_b, b_to_a});
}

void Add(const RingSums& sums, Numbers& all) {
  for (const auto* list : {&sums.count, &sums.confidence, &sums.accuracy, &sums.log_loss, &sums.impossible})
    all.insert(all.end(), list->begin(), list->end());
}

void Add(const TemperatureSums& sums, Numbers& all) {
  all.insert(all.end(), {sums.count, sums.impossible, sums.loss});
  for (const auto* list : {&sums.slope, &sums.curvature, &sums.third})
    all.insert(all.end(), list->begin(), list->end());
}

void Add(const std::vector<LesionTable>& tables, Numbers& all) {
  for (const LesionTable& table : tables) {
    for (const auto* list : {&table.predicted, &table.truth})
      for (const auto& [size, centroid, hits, confidence] : *list) {
        all.insert(all.end(), {static_cast<double>(size), static_cast<double>(hits), confidence});
        all.insert(all.end(), centroid.begin(), centroid.end());
      }
    for (const auto& [predicted, truth, shared] : table.pairs)
      for (const auto number : {int64_t{predicted}, int64_t{truth}, shared})
        all.push_back(static_cast<double>(number));
    for (const auto* list : {&table.count, &table.confidence, &table.accuracy, &table.touching})
      all.insert(all.end(), list->begin(), list->end());
    const auto& [predicted, predicted_shared, truth, truth_shared] = table.centerline;
    for (const int64_t count : {predicted, predicted_shared, truth, truth_shared})
      all.push_back(static_cast<double>(count));
  }
}

Numbers Together(const ProbabilityMaps& maps, const Grid& grid, const Wanted& wanted) {
  BinRoom bins(maps, wanted.histograms);
  std::vector<ProbabilityScoreSums> proper(wanted.floors.size());
  Numbers counts(static_cast<size_t>(wanted.confusion ? maps.batch * maps.classes * maps.classes : 0));
  std::vector<std::vector<SurfaceMeasures>> measures;
  for (const auto& each : wanted.surfaces)
    measures.emplace_back(static_cast<size_t>(maps.batch) * each.regions.sets.size());
  const std::vector<std::span<SurfaceMeasures>> spans(measures.begin(), measures.end());
  std::vector<RingSums> rings;
  for (const auto& each : wanted.rings) rings.emplace_back(RingCount(each, maps.classes), each.bins);
  std::vector<BoundaryCalibrationSums> of_rings;
  for (RingSums& each : rings) of_rings.push_back(each.Spans());
  TemperatureSums temperature;
  std::vector<std::vector<LesionTable>> lesions(wanted.lesions.size());
  const CaseScoreOptions options{wanted.histograms, wanted.floors,      wanted.confusion, wanted.surfaces, {},
                                 wanted.rings,      wanted.temperature, wanted.lesions};
  cpu::CaseScores(
      maps, grid, options,
      {bins.sums, proper, counts, spans, of_rings, wanted.temperature ? &temperature : nullptr, lesions});
  Numbers all = bins.numbers;
  for (const auto& sums : proper) Add(sums, all);
  all.insert(all.end(), counts.begin(), counts.end());
  for (const auto& list : measures) Add(list, all);
  for (const RingSums& each : rings) Add(each, all);
  if (wanted.temperature) Add(temperature, all);
  for (const auto& tables : lesions) Add(tables, all);
  return all;
}

// The twin: the kernels of each score one after the other.
Numbers OneByOne(const ProbabilityMaps& maps, const Grid& grid, const Wanted& wanted) {
  Numbers all;
  // A histogram in each call, so that none depends on its neighbours.
  for (const auto& each : wanted.histograms) {
    BinRoom bins(maps, {each});
    cpu::CalibrationBins(maps, {&each, 1}, bins.sums);
    all.insert(all.end(), bins.numbers.begin(), bins.numbers.end());
  }
  for (const double floor : wanted.floors) Add(cpu::ProbabilityScores(maps, floor), all);
  std::vector<int32_t> predicted(static_cast<size_t>(maps.batch * maps.pixels));
  cpu::ArgMax(maps.probs, maps.batch, maps.classes, maps.pixels, std::span<int32_t>(predicted));
  const LabelSpan guess = std::span<const int32_t>(predicted);
  if (wanted.confusion) {
    Numbers counts(static_cast<size_t>(maps.batch * maps.classes * maps.classes));
    cpu::ConfusionCounts(guess, maps.labels, maps.batch, maps.classes, maps.pixels, maps.ignore, {}, counts);
    all.insert(all.end(), counts.begin(), counts.end());
  }
  for (const auto& each : wanted.surfaces) {
    std::vector<SurfaceMeasures> measures(static_cast<size_t>(maps.batch) * each.regions.sets.size());
    cpu::LabelSurfaceDistances(guess, maps.labels, grid, each.regions, each.options, measures);
    Add(measures, all);
  }
  for (const auto& each : wanted.rings) {
    RingSums sums(RingCount(each, maps.classes), each.bins);
    cpu::BoundaryCalibration(maps, grid, each, sums.Spans());
    Add(sums, all);
  }
  if (wanted.temperature) Add(cpu::Temperatures(maps), all);
  for (const CaseLesions& each : wanted.lesions) {
    // Each of a table's parts by itself.
    LesionOptions options = each.options;
    options.centerlines = false;
    options.touching.reset();
    const FloatSpan probs = each.confidence ? maps.probs : FloatSpan();
    auto tables = cpu::FindLesions(guess, maps.labels, probs, grid, options);
    const auto centerlines = cpu::Centerlines(guess, maps.labels, grid, options);
    std::vector<std::vector<LesionGroup>> groups;
    for (LesionTable& table : tables) {
      if (each.options.centerlines) table.centerline = centerlines[groups.size()];
      auto& of_table = groups.emplace_back(each.options.touching ? table.truth.size() : 0);
      for (size_t i = 0; i < of_table.size(); ++i) {
        of_table[i].truth = {static_cast<int32_t>(i)};
        for (const LesionPair& pair : table.pairs)
          if (pair.truth == static_cast<int32_t>(i)) of_table[i].predicted.push_back(pair.predicted);
      }
    }
    const auto distances = cpu::LesionSurfaces(guess, maps.labels, grid, options, groups,
                                               each.options.touching.value_or(SurfaceOptions()));
    size_t at = 0;
    for (size_t t = 0; t < tables.size(); ++t)
      for (const LesionGroup& group : groups[t]) {
        const double distance = distances[at++].hd95;
        tables[t].touching.push_back(group.predicted.empty() ? std::numeric_limits<double>::infinity()
                                                             : distance);
      }
    Add(tables, all);
  }
  return all;
}

bool SameBits(const Numbers& a, const Numbers& b) {
  for (size_t i = 0; i < a.size() && a.size() == b.size(); ++i)
    if (std::memcmp(&a[i], &b[i], sizeof a[i]) != 0 && !(std::isnan(a[i]) && std::isnan(b[i]))) return false;
  return a.size() == b.size();
}

const std::vector<double> kTen = Edges(10), kTwo = Edges(2), kMany = Edges(100);
const std::vector<double> kDistances{-3, -1, 0, 1, 2, 5};

std::vector<Wanted> Choices(const ProbabilityMaps& maps) {
  const CalibrationOptions foreground{Score::kForeground, BinEdges::kRightClosed, 10, kTen, -1, false, true};
  const CalibrationOptions classes{Score::kClasses, BinEdges::kLeftClosed, 100, kMany, 1e-3f, true, false};
  const CalibrationOptions squares{Score::kClasses, BinEdges::kRightClosed, 2, kTwo, -1, true, true};
  const CalibrationOptions top{Score::kTopLabel, BinEdges::kRightClosed, 10, kTen, -1, true, true};
  CaseSurfaces surfaces;
  surfaces.regions.classes = maps.classes;
  surfaces.regions.ignore = maps.ignore;
  surfaces.regions.sets = {{maps.classes - 1}, {0, maps.classes - 1}};
  CaseSurfaces further = surfaces;
  further.regions.sets.pop_back();
  further.options.convention = SurfaceConvention::kMonai;
  further.options.percentile = 50;
  const BoundaryCalibrationOptions around_top{Score::kTopLabel, -1, false, BinEdges::kRightClosed, 10, kTen,
                                              kDistances};
  const BoundaryCalibrationOptions around_labels{
      Score::kForeground, -1, true, BinEdges::kRightClosed, 10, kTen, kDistances};
  const BoundaryCalibrationOptions around_classes{
      Score::kClasses, -1, false, BinEdges::kLeftClosed, 100, kMany, kDistances};
  CaseLesions lesions;
  lesions.confidence = true;
  lesions.options.classes = maps.classes;
  lesions.options.ignore = maps.ignore;
  lesions.options.regions = {{1}, {0}};
  lesions.options.centerlines = true;
  lesions.options.touching = SurfaceOptions{};
  lesions.options.touching->convention = SurfaceConvention::kDeepMind;
  CaseLesions grown = lesions, lines = lesions;
  grown.confidence = grown.options.centerlines = lines.confidence = lines.options.components = false;
  grown.options.grow = 2;
  lines.options.touching.reset();
  return {{{foreground, classes, squares, top}, {0, 0.25}, true, {surfaces, further}},
          {{}, {}, false, {}, {}, true, {lesions, grown}},
          {{top}, {}, false, {}, {around_top, around_labels}},
          {{}, {}, false, {}, {around_classes}},
          {{classes, foreground}, {}, false, {}},
          {{}, {1e-12}, false, {}},
          {{}, {}, true, {}},
          {{top}, {0.5}, false, {further}},
          {{}, {}, false, {surfaces}},
          {{}, {}, false, {}, {}, false, {lines}},
          {{top}, {0, 0.25}, true, {}, {around_top, around_labels}},
          {{}, {0}, false, {}, {around_labels}}};
}

TEST(CaseScoresEqualTheKernelsOneByOne) {
  for (const auto& [batch, classes, height, width] : std::vector<std::array<int64_t, 4>>{
           {1, 2, 1, 1}, {2, 3, 5, 9}, {1, 4, 32, 64}, {3, 2, 61, 97}, {1, 3, 200, 300}, {1, 300, 9, 30}})
    for (const bool half : {false, true}) {
      const ProbabilityCase made = MakeCase(batch, classes, height * width, 3, half);
      const ProbabilityMaps maps = made.Maps(false, false);
      const Grid grid = MakeGrid(batch, std::array{height, width});
      for (const Wanted& wanted : Choices(maps)) {
        const Numbers expected = OneByOne(maps, grid, wanted);
        EverywhereAtAnyThreadCount([&] {
          CHECK(SameBits(Together(maps, grid, wanted), expected), "pixels ", height * width, " classes ",
                classes, " histograms ", wanted.histograms.size());
        });
      }
    }
}

TEST(CaseScoresRefuseSumsOutsideOfTheRange) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{50, 90});
  for (const bool half : {false, true}) {
    ProbabilityCase made = MakeCase(1, 2, 4500, 8, half);
    for (size_t i = 0; i < made.probs.size(); ++i) {
      made.probs[i] = 0.5f;
      if (half) made.halves[i] = 0x3800;
    }
    const int64_t first = 4000;
    made.labels[first] = 0;
    made.labels[first + 1] = 1;
    made.labels[17] = static_cast<int32_t>(ProbabilityCase::kIgnored);
    for (const int64_t pixel : {int64_t{17}, first, first + 1}) {
      made.probs[pixel] = 0.75f;
      if (half) made.halves[pixel] = 0x3a00;
    }
    const ProbabilityMaps maps = made.Maps(false, false);
    std::vector<ProbabilityScoreSums> proper(1);
    const std::vector<double> floors{0};
    const auto score = [&](double low, double high) {
      CaseScoreOptions options;
      options.floors = floors;
      options.sums = {low, high};
      CaseScoreSums sums;
      sums.proper = proper;
      cpu::CaseScores(maps, grid, options, sums);
    };
    EverywhereAtAnyThreadCount([&] {
      score(1, 1.25);
      CHECK_THROWS(score(1, 1.2),
                   "probs: expected sums over the classes from 1 to 1.2, got other sums at 2 "
                   "pixels, the first 4000");
      CHECK_THROWS(score(1.1, 2), "got other sums at ");
    });
  }
}

TEST(CaseScoresRefuseWrongValues) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{40, 90});
  ProbabilityCase made = MakeCase(1, 2, 3600, 8);
  const ProbabilityMaps maps = made.Maps(false, false);
  const std::vector<Wanted> choices = Choices(maps);
  made.probs[3600 + 3500] = 2;
  CHECK_THROWS(Together(maps, grid, choices[0]), "got 2 in class 1 at pixel 3500 (1 such pixels)");
  CHECK_THROWS(Together(maps, grid, choices[5]), "probs: expected probabilities in [0, 1]");
  // The arg-max alone takes any values.
  CHECK(SameBits(Together(maps, grid, choices[6]), OneByOne(maps, grid, choices[6])));
  made.probs[3600 + 3500] = std::nanf("");
  CHECK_THROWS(Together(maps, grid, choices[6]), "probs: NaN at pixel 3500 (1 such pixels)");
  made.probs[3600 + 3500] = 0.5f;
  made.labels[7] = 2;
  CHECK_THROWS(Together(maps, grid, choices[8]), "labels: expected classes 0 to 1, got 2 at pixel 7");
  made.labels[7] = 0;
  CHECK_THROWS(Together(made.Maps(true, false), grid, choices[0]), "mask: not supported");
  CHECK_THROWS(Together(maps, MakeGrid(1, std::array<int64_t, 2>{40, 91}), choices[0]), "size: expected");
  CHECK_THROWS(Together(maps, grid, {{}, {2}, false, {}}), "floor: expected");
}

}  // namespace
}  // namespace pixelcal::test
