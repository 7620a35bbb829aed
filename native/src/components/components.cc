// Components, their sizes, places and shares in each other from runs alone; only probabilities and the
// surfaces of chosen lesions are read pixel by pixel, the latter in the box around them.
#include "components/components.h"

#include <algorithm>
#include <limits>
#include <map>

#include "base/error.h"
#include "base/parallel.h"
#include "base/scratch.h"
#include "components/centerline.h"
#include "components/inside_bins.h"
#include "components/runs.h"
#include "morphology/packed_mask.h"
#include "surface/region_masks.h"

namespace pixelcal::cpu {
namespace {

using internal::ComponentRuns;
using internal::FindComponents;
using internal::ForShared;

void CheckConnectivity(int connectivity) {
  Require(connectivity >= 1 && connectivity <= 3, "connectivity: expected 1 to 3, got ", connectivity);
}

void CheckLesions(const LabelSpan& predicted, const LabelSpan& labels, const Grid& grid,
                  const LesionOptions& options) {
  Require(Size(predicted) == grid.Count(), "predicted: expected ", grid.Count(), " pixels, got ",
          Size(predicted));
  Require(Size(labels) == grid.Count(), "labels: expected ", grid.Count(), " pixels, got ", Size(labels));
  CheckConnectivity(options.connectivity);
  Require(options.grow >= 0 && options.grow <= 64, "grow: expected 0 to 64, got ", options.grow);
  Require(options.bins >= 1 && options.bins <= 1024, "bins: expected 1 to 1024, got ", options.bins);
  for (const auto& set : options.regions)
    for (const int64_t label : set)
      Require(label >= 0 && label < options.classes, "regions: expected classes below ", options.classes,
              ", got ", label);
  if (!options.checked) CheckLabelMaps(predicted, labels, grid.Count(), options.classes, options.ignore);
}

// The components of a region in both maps; true ones that are one lesion have the same number.
struct Components {
  ComponentRuns predicted, truth;
  ComponentRuns reach;  // the lesions and what they touch: `truth`, or grown
};

Components Find(const RegionMasks& masks, const Dhw& dhw, const LesionOptions& options) {
  Components found;
  found.predicted = FindComponents(masks.predicted, dhw, options.connectivity);
  if (options.grow == 0) {
    found.truth = FindComponents(masks.labels, dhw, options.connectivity);
    found.reach = found.truth;
    return found;
  }
  const std::vector<uint64_t> grown = internal::Grown(masks.labels, dhw, options.grow);
  found.reach = FindComponents(grown.data(), dhw, options.connectivity);
  found.truth = FindComponents(masks.labels, dhw, options.connectivity);
  // A pixel's surroundings are connected, so that every true component is in one of those that grew.
  ForShared(found.truth, found.reach, [&](int64_t of_truth, int64_t of_reach, int64_t) {
    found.truth.component[of_truth] = found.reach.component[of_reach];
  });
  found.truth.count = found.reach.count;
  return found;
}

// Calls body(image, region, masks) for all images and regions.
template <class Body>
void ForMasks(const LabelSpan& predicted, const LabelSpan& labels, const Grid& grid,
              const LesionOptions& options, const Body& body) {
  const Dhw dhw = grid.DepthHeightWidth();
  for (int64_t image = 0; image < grid.batch; ++image)
    for (size_t region = 0; region < options.regions.size(); ++region)
      body(image, region,
           PackRegion(predicted, labels, image * grid.Pixels(), dhw, options.regions[region], options.classes,
                      options.ignore));
}

std::vector<Lesion> LesionsOf(const ComponentRuns& of) {
  std::vector<Lesion> lesions(static_cast<size_t>(of.count));
  for (int64_t row = 0; row < of.Rows(); ++row)
    for (int64_t i = of.row_begin[row]; i < of.row_begin[row + 1]; ++i) {
      const auto [start, end] = of.runs[i];
      Lesion& lesion = lesions[of.component[i]];
      const int64_t count = end - start;
      lesion.size += count;
      lesion.centroid[0] += static_cast<double>(count * (row / of.dhw[1]));
      lesion.centroid[1] += static_cast<double>(count * (row % of.dhw[1]));
      lesion.centroid[2] += 0.5 * static_cast<double>(count * (int64_t{start} + end - 1));
    }
  for (Lesion& lesion : lesions)
    for (double& at : lesion.centroid) at /= static_cast<double>(lesion.size);
  return lesions;
}

std::vector<LesionPair> PairsOf(const Components& of) {
  std::map<std::pair<int32_t, int32_t>, int64_t> shared;
  ForShared(of.predicted, of.reach, [&](int64_t i, int64_t j, int64_t) {
    shared.try_emplace({of.reach.component[j], of.predicted.component[i]}, 0);
  });
  ForShared(of.predicted, of.truth, [&](int64_t i, int64_t j, int64_t count) {
    shared[{of.truth.component[j], of.predicted.component[i]}] += count;
  });
  std::vector<LesionPair> pairs;
  for (const auto& [key, count] : shared) pairs.push_back({key.second, key.first, count});
  return pairs;
}

// Marks the members of a list of components.
std::vector<uint8_t> Members(const std::vector<int32_t>& list, int64_t count, const char* name) {
  std::vector<uint8_t> members(static_cast<size_t>(count));
  for (const int32_t i : list) {
    Require(i >= 0 && i < count, name, ": expected numbers below ", count, ", got ", i);
    members[i] = 1;
  }
  return members;
}

void GrowBox(const Box& by, Box& box) {
  for (size_t axis = 0; axis < 3; ++axis) {
    box.first[axis] = std::min(box.first[axis], by.first[axis]);
    box.last[axis] = std::max(box.last[axis], by.last[axis]);
  }
}

std::vector<Box> BoxesOf(const ComponentRuns& of) {
  std::vector<Box> boxes(static_cast<size_t>(of.count));
  for (int64_t row = 0; row < of.Rows(); ++row)
    for (int64_t i = of.row_begin[row]; i < of.row_begin[row + 1]; ++i) {
      const auto [start, end] = of.runs[i];
      const int64_t z = row / of.dhw[1], y = row % of.dhw[1];
      GrowBox({{z, y, start}, {z, y, end - 1}}, boxes[of.component[i]]);
    }
  return boxes;
}

// Returns the members' pixels within the box as a mask.
std::vector<uint8_t> Fill(const ComponentRuns& of, const std::vector<uint8_t>& members, const Box& box) {
  const Dhw size = box.Extent();
  std::vector<uint8_t> mask(static_cast<size_t>(size[0] * size[1] * size[2]));
  for (int64_t line = 0; line < size[0] * size[1]; ++line) {
    const int64_t z = box.first[0] + line / size[1], y = box.first[1] + line % size[1],
                  row = z * of.dhw[1] + y;
    uint8_t* to = mask.data() + line * size[2] - box.first[2];
    for (int64_t i = of.row_begin[row]; i < of.row_begin[row + 1]; ++i)
      if (members[of.component[i]]) std::fill(to + of.runs[i].start, to + of.runs[i].end, uint8_t{1});
  }
  return mask;
}

// The boxes around every component.
struct Boxes {
  explicit Boxes(const Components& found)
      : predicted(BoxesOf(found.predicted)), truth(BoxesOf(found.truth)) {}
  std::vector<Box> predicted, truth;
};

SurfaceMeasures MeasureGroup(const Components& found, const Boxes& boxes, const LesionGroup& group,
                             const Grid& grid, const SurfaceOptions& surfaces) {
  const auto predicted = Members(group.predicted, found.predicted.count, "groups.predicted");
  const auto truth = Members(group.truth, found.truth.count, "groups.truth");
  Box box;
  for (const int32_t i : group.predicted) GrowBox(boxes.predicted[i], box);
  for (const int32_t i : group.truth) GrowBox(boxes.truth[i], box);
  SurfaceMeasures measures{};
  if (box.last[0] < 0) box.first = box.last = {0, 0, 0};
  WidenBox(found.predicted.dhw, box);
  const auto a = Fill(found.predicted, predicted, box), b = Fill(found.truth, truth, box);
  SurfaceDistances(a, b, GridOf(box.Extent(), grid.rank), surfaces, {&measures, 1});
  return measures;
}

// Returns the distance between each true lesion and all predicted ones that touch it.
std::vector<double> MeasureTouching(const Components& found, const LesionTable& table, const Grid& grid,
                                    const SurfaceOptions& surfaces) {
  std::vector<LesionGroup> groups(table.truth.size());
  for (const auto& [predicted, truth, shared] : table.pairs) groups[truth].predicted.push_back(predicted);
  std::vector<double> distances(groups.size(), std::numeric_limits<double>::infinity());
  const Boxes boxes(found);
  for (size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].predicted.empty()) continue;
    groups[i].truth = {static_cast<int32_t>(i)};
    distances[i] = MeasureGroup(found, boxes, groups[i], grid, surfaces).hd95;
  }
  return distances;
}

}  // namespace

void ConnectedComponents(std::span<const uint8_t> mask, const Grid& grid, int connectivity,
                         std::span<int32_t> out, std::span<double> counts) {
  CheckConnectivity(connectivity);
  Require(std::ssize(mask) == grid.Count(), "mask: expected ", grid.Count(), " pixels, got ", mask.size());
  Require(out.size() == mask.size(), "out: expected ", mask.size(), " pixels, got ", out.size());
  Require(std::ssize(counts) == grid.batch, "counts: expected ", grid.batch, " numbers, got ", counts.size());
  const Dhw dhw = grid.DepthHeightWidth();
  const int64_t pixels = grid.Pixels(), rows = dhw[0] * dhw[1];
  Grid one = grid;
  one.batch = 1;
  const auto words = static_cast<size_t>(PackedWords(one));
  uint64_t* packed = Scratch<uint64_t, struct ComponentBits>(words);
  for (int64_t image = 0; image < grid.batch; ++image) {
    PackMask(mask.subspan(static_cast<size_t>(image * pixels), static_cast<size_t>(pixels)), one,
             {packed, words});
    const ComponentRuns found = FindComponents(packed, dhw, connectivity);
    counts[static_cast<size_t>(image)] = static_cast<double>(found.count);
    ParallelFor(rows, std::max<int64_t>(1, 65536 / dhw[2]), [&](int64_t begin, int64_t end) {
      int32_t* all = out.data() + image * pixels;
      std::fill(all + begin * dhw[2], all + end * dhw[2], 0);
      for (int64_t row = begin; row < end; ++row)
        for (int64_t i = found.row_begin[row]; i < found.row_begin[row + 1]; ++i)
          std::fill(all + row * dhw[2] + found.runs[i].start, all + row * dhw[2] + found.runs[i].end,
                    found.component[i] + 1);
    });
  }
}

std::vector<LesionTable> FindLesions(const LabelSpan& predicted, const LabelSpan& labels,
                                     const FloatSpan& probs, const Grid& grid, const LesionOptions& options) {
  CheckLesions(predicted, labels, grid, options);
  const int64_t pixels = grid.Pixels();
  const bool confident = Size(probs) > 0;
  Require(!confident || Size(probs) == CheckedProduct(grid.Count(), options.classes), "probs: expected ",
          grid.Count() * options.classes, " values, got ", Size(probs));
  const Dhw dhw = grid.DepthHeightWidth();
  std::vector<LesionTable> tables;
  ForMasks(predicted, labels, grid, options, [&](int64_t image, size_t region, const RegionMasks& masks) {
    LesionTable& table = tables.emplace_back();
    if (options.centerlines) table.centerline = CenterlinesOf(masks, dhw);
    if (!options.components) return;
    const Components found = Find(masks, dhw, options);
    table.predicted = LesionsOf(found.predicted);
    table.truth = LesionsOf(found.truth);
    ForShared(found.predicted, found.truth, [&](int64_t i, int64_t j, int64_t count) {
      table.predicted[found.predicted.component[i]].hits += count;
      table.truth[found.truth.component[j]].hits += count;
    });
    table.pairs = PairsOf(found);
    if (confident)
      AddConfidence(found.predicted, found.truth, probs, image * options.classes * pixels, pixels,
                    options.regions[region], options.bins, table);
    if (options.touching) table.touching = MeasureTouching(found, table, grid, *options.touching);
  });
  return tables;
}

std::vector<SurfaceMeasures> LesionSurfaces(const LabelSpan& predicted, const LabelSpan& labels,
                                            const Grid& grid, const LesionOptions& options,
                                            std::span<const std::vector<LesionGroup>> groups,
                                            const SurfaceOptions& surfaces) {
  CheckLesions(predicted, labels, grid, options);
  const auto regions = static_cast<int64_t>(options.regions.size());
  Require(std::ssize(groups) == grid.batch * regions, "groups: expected ", grid.batch * regions,
          " lists, got ", groups.size());
  const Dhw dhw = grid.DepthHeightWidth();
  std::vector<SurfaceMeasures> measures;
  ForMasks(predicted, labels, grid, options, [&](int64_t image, size_t region, const RegionMasks& masks) {
    const Components found = Find(masks, dhw, options);
    const Boxes boxes(found);
    for (const LesionGroup& group : groups[static_cast<size_t>(image * regions) + region])
      measures.push_back(MeasureGroup(found, boxes, group, grid, surfaces));
  });
  return measures;
}

}  // namespace pixelcal::cpu
