#include <cstring>

#include "base/parallel.h"
#include "cases.h"
#include "check.h"
#include "isa.h"
#include "surface/surface_distance.h"
#include "surface_twin.h"

using namespace pixelcal;

namespace {

constexpr SurfaceConvention kConventions[] = {SurfaceConvention::kReference, SurfaceConvention::kMonai,
                                              SurfaceConvention::kDeepMind};

std::vector<SurfaceMeasures> LabelSurfaces(const LabelSpan& predicted, const LabelSpan& labels,
                                           const Grid& grid, const SurfaceRegions& regions,
                                           const SurfaceOptions& options) {
  std::vector<SurfaceMeasures> out(static_cast<size_t>(grid.batch) * regions.sets.size());
  cpu::LabelSurfaceDistances(predicted, labels, grid, regions, options, out);
  return out;
}

// Returns whether two numbers are equal up to rounding; float32 percentiles need a larger error.
bool Near(double a, double b, double error = 1e-12) {
  return a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= error * std::abs(b);
}

void CheckNear(const SurfaceMeasures& m, const SurfaceMeasures& n, SurfaceConvention convention,
               const std::string& name) {
  const double error = convention == SurfaceConvention::kReference ? 2e-7 : 1e-12;
  CHECK(Near(m.hd, n.hd) && Near(m.assd, n.assd) && Near(m.nsd, n.nsd) && Near(m.a_to_b, n.a_to_b) &&
            Near(m.b_to_a, n.b_to_a) && Near(m.hd95, n.hd95, error) &&
            Near(m.hd_percentile, n.hd_percentile, error),
        name, " convention ", static_cast<int>(convention), ": ", m.hd, " ", m.hd95, " ", m.hd_percentile,
        " ", m.assd, " ", m.nsd, " not ", n.hd, " ", n.hd95, " ", n.hd_percentile, " ", n.assd, " ", n.nsd);
}

// Makes blobs of classes with some ignored pixels.
template <class Label>
std::vector<Label> RandomLabels(int64_t count, int64_t classes, double ignored, Label ignore, uint64_t seed) {
  test::Noise noise(seed);
  std::vector<Label> labels(static_cast<size_t>(count));
  Label last = 0;
  for (Label& label : labels) {
    if (noise.Uniform() < 0.3) last = static_cast<Label>(noise.Next() % static_cast<uint64_t>(classes));
    label = noise.Uniform() < ignored ? ignore : last;
  }
  return labels;
}

std::vector<uint8_t> MaskOf(std::span<const int32_t> map, std::span<const int32_t> labels,
                            const std::vector<int64_t>& set, int32_t ignore) {
  std::vector<uint8_t> mask(map.size());
  for (size_t i = 0; i < map.size(); ++i)
    mask[i] = labels[i] != ignore && std::find(set.begin(), set.end(), map[i]) != set.end();
  return mask;
}

}  // namespace

TEST(LabelSurfaceDistancesEqualReference) {
  constexpr int32_t kIgnore = 255;
  const SurfaceRegions regions{5, {{1, 2, 3, 4}, {1}, {4, 2}, {0}, {}}, {1.6, 0, 2.5, 1, 1}, kIgnore};
  const std::vector<std::array<double, 3>> spacings{
      {1, 1, 1}, {0.7, 0.7, 0.7}, {3, 2, 1.5}, {2.25, 0.85, 0.8}};
  uint64_t seed = 0;
  for (const auto& size : std::vector<std::vector<int64_t>>{
           {70}, {1, 9}, {7, 17}, {6, 64}, {12, 65}, {5, 130}, {3, 7, 16}, {1, 4, 5}, {4, 5, 66}}) {
    const Grid grid = MakeGrid(2, size);
    for (const double ignored : {0.0, 0.1, 0.6, 0.98}) {
      const auto labels = RandomLabels<int32_t>(grid.Count(), 5, ignored, kIgnore, ++seed);
      auto predicted = RandomLabels<int32_t>(grid.Count(), 5, 0, 0, ++seed);
      for (size_t i = 0; i < labels.size(); i += 3)  // any prediction is allowed there
        if (labels[i] == kIgnore) predicted[i] = -7;
      const auto& spacing = spacings[seed / 2 % spacings.size()];
      for (const auto convention : kConventions) {
        if (convention == SurfaceConvention::kDeepMind && grid.rank == 1) continue;
        SurfaceOptions options{spacing, convention, BothEmpty::kPerfect, OneEmpty::kDiagonal};
        options.percentile = std::array{0.0, 50.0, 99.0, 100.0}[seed / 2 % 4];
        test::ForEachIsa([&] {
          const auto found = LabelSurfaces(std::span<const int32_t>(predicted),
                                           std::span<const int32_t>(labels), grid, regions, options);
          for (size_t item = 0; item < found.size(); ++item) {
            const size_t image = item / regions.sets.size(), region = item % regions.sets.size();
            const auto pixels = static_cast<size_t>(grid.Pixels());
            const auto truth = std::span(labels).subspan(image * pixels, pixels);
            const auto guess = std::span(predicted).subspan(image * pixels, pixels);
            std::vector<uint8_t> left_out(pixels);
            for (size_t i = 0; i < pixels; ++i) left_out[i] = truth[i] == kIgnore;
            options.tolerance = regions.tolerances[region];
            const auto a = MaskOf(guess, truth, regions.sets[region], kIgnore),
                       b = MaskOf(truth, truth, regions.sets[region], kIgnore);
            CheckNear(found[item], reference::Surfaces(a.data(), b.data(), left_out.data(), grid, options),
                      convention,
                      "seed " + std::to_string(seed) + " image " + std::to_string(image) + " region " +
                          std::to_string(region));
          }
        });
      }
    }
  }
}

// The right columns of a square are void in the labels: a prediction that differs only there is right, and
// neither map has a surface along the void.
TEST(LabelSurfacesDoNotAriseFromIgnoredPixels) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{6, 8});
  std::vector<uint8_t> labels(48, 0), predicted(48, 0);
  for (size_t y = 1; y < 5; ++y)
    for (size_t x = 1; x < 7; ++x) {
      labels[y * 8 + x] = x < 4 ? 1 : 255;
      predicted[y * 8 + x] = x < 4 || (x == 4 && y == 2) ? 1 : 0;
    }
  const LabelSpan a = std::span<const uint8_t>(predicted), b = std::span<const uint8_t>(labels);
  for (const auto convention : kConventions) {
    const auto m = LabelSurfaces(a, b, grid, {2, {{1}}, {}, 255}, {{1, 1, 1}, convention})[0];
    CHECK(m.hd == 0 && m.nsd == 1 && m.assd == 0, m.hd, " ", m.nsd);
  }
  // A pixel surrounded by ignored ones has no surface, so its region counts as empty.
  labels.assign(48, 255);
  labels[20] = 1;
  for (const auto convention : kConventions) {
    const SurfaceOptions options{{1, 1, 1}, convention, BothEmpty::kUndefined, OneEmpty::kWorst};
    predicted.assign(48, 1);
    CHECK(std::isnan(LabelSurfaces(a, b, grid, {2, {{1}}, {}, 255}, options)[0].hd));
    labels[47] = 0;
    CHECK(std::isinf(LabelSurfaces(a, b, grid, {2, {{1}}, {}, 255}, options)[0].hd));
    labels[47] = 255;
  }
}

TEST(LabelSurfaceDistancesAreTheSameForEveryTypeAndThreadCount) {
  const Grid grid = MakeGrid(2, std::array<int64_t, 3>{9, 70, 90});
  const auto labels = RandomLabels<uint8_t>(grid.Count(), 4, 0.2, 255, 1),
             predicted = RandomLabels<uint8_t>(grid.Count(), 4, 0, 0, 2);
  const std::vector<int32_t> ints(labels.begin(), labels.end());
  const std::vector<int64_t> longs(predicted.begin(), predicted.end());
  const SurfaceRegions regions{4, {{1, 2, 3}, {1, 3}}, {}, 255};
  for (const auto convention : kConventions) {
    const SurfaceOptions options{{2.25, 0.85, 0.8}, convention};
    const auto first = LabelSurfaces(std::span<const uint8_t>(predicted), std::span<const uint8_t>(labels),
                                     grid, regions, options);
    test::EverywhereAtAnyThreadCount([&] {
      const auto found = LabelSurfaces(std::span<const int64_t>(longs), std::span<const int32_t>(ints), grid,
                                       regions, options);
      for (size_t i = 0; i < found.size(); ++i)
        CHECK(found[i].hd == first[i].hd && found[i].hd95 == first[i].hd95 &&
                  found[i].assd == first[i].assd && found[i].nsd == first[i].nsd,
              "threads ", ThreadCount(), " item ", i);
    });
  }
}

// Bytes of one class are packed without codes.
TEST(LabelSurfaceDistancesOfBytesAreThoseOfOtherTypes) {
  const Grid grid = MakeGrid(2, std::array<int64_t, 2>{21, 131});
  for (const int64_t classes : {2, 4}) {
    const auto labels = RandomLabels<uint8_t>(grid.Count(), classes, 0, 0, 3),
               predicted = RandomLabels<uint8_t>(grid.Count(), classes, 0, 0, 4);
    const std::vector<int32_t> wide(predicted.begin(), predicted.end());
    SurfaceRegions regions;
    regions.classes = classes;
    regions.sets = {{0}, {1}, {classes - 1}, {0, 1}, {}};
    const auto bytes = LabelSurfaces(std::span<const uint8_t>(predicted), std::span<const uint8_t>(labels),
                                     grid, regions, {});
    test::EverywhereAtAnyThreadCount([&] {
      const auto found =
          LabelSurfaces(std::span<const int32_t>(wide), std::span<const uint8_t>(labels), grid, regions, {});
      const size_t size = sizeof found[0] * found.size();
      CHECK(std::memcmp(found.data(), bytes.data(), size) == 0, "classes ", classes);
    });
  }
}

TEST(LabelSurfaceDistancesRejectBadArguments) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 2>{2, 3});
  const std::vector<int32_t> good{0, 1, 1, 0, 0, 1}, wrong{0, 1, 7, 0, -1, 1};
  const LabelSpan a = std::span<const int32_t>(good), b = std::span<const int32_t>(wrong);
  const LabelSpan few = std::span(good).first(5);
  const SurfaceRegions regions{2, {{1}}, {}, {}};
  CHECK_THROWS(LabelSurfaces(few, a, grid, regions, {}), "predicted: expected 6 elements, got 5");
  CHECK_THROWS(LabelSurfaces(a, few, grid, regions, {}), "labels: expected 6 elements, got 5");
  CHECK_THROWS(LabelSurfaces(a, b, grid, regions, {}),
               "labels: expected classes 0 to 1, got 7 at pixel 2 (2 such pixels)");
  CHECK_THROWS(LabelSurfaces(a, b, grid, {2, {{1}}, {}, 7}, {}),
               "labels: expected classes 0 to 1, got -1 at pixel 4 (1 such pixels)");
  CHECK_THROWS(LabelSurfaces(b, a, grid, regions, {}),
               "predicted: expected classes 0 to 1, got 7 at pixel 2");
  CHECK_THROWS(LabelSurfaces(a, a, grid, {0, {{0}}, {}, {}}, {}), "classes: expected 1 to 32767, got 0");
  CHECK_THROWS(LabelSurfaces(a, a, grid, {2, {{1}, {2}}, {}, {}}, {}),
               "regions: expected classes 0 to 1, got 2 in region 1");
  CHECK_THROWS(LabelSurfaces(a, a, grid, {2, {{1}}, {1, 2}, {}}, {}),
               "tolerance: expected 1 numbers, one per region, got 2");
  CHECK_THROWS(LabelSurfaces(a, a, grid, {2, {{1}}, {-1}, {}}, {}), "tolerance: expected at least 0");
  CHECK_THROWS(LabelSurfaces(a, a, grid, regions, {.percentile = 101}), "percentile: expected 0 to 100");
  CHECK_THROWS(LabelSurfaces(a, a, grid, regions, {.spacing = {0, 1, 1}}), "spacing: expected");
}
