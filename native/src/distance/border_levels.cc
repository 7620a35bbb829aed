// Passes over the results of the transforms, in blocks that stay in the second-level cache: O(result).
#include "distance/border_levels.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "base/parallel.h"
#include "distance/signed_distance_loops.h"
#include "labels/bad_pixels.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kBlock = 1 << 14;  // pixels

// Calls body(begin, end) for blocks of the pixels of `maps` maps; no block has pixels of two maps.
template <class Body>
void ForBlocks(int64_t maps, int64_t pixels, const Body& body) {
  const int64_t blocks = (pixels - 1) / kBlock + 1;
  ParallelFor(maps * blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t map = block / blocks, from = block % blocks * kBlock;
      body(map, map * pixels + from, std::min(kBlock, pixels - from));
    }
  });
}

template <class T>
bool IsIgnored(T label, std::optional<int64_t> ignore) {
  return ignore && static_cast<int64_t>(label) == *ignore;
}

// Throws unless every label is a class or `ignore`; returns whether any is `ignore`.
bool CheckLabels(const LabelSpan& labels, int64_t classes, std::optional<int64_t> ignore) {
  return std::visit(
      [&](auto span) {
        BadPixels bad;
        std::atomic<bool> ignored{false};
        ParallelFor(std::ssize(span), kBlock, [&](int64_t begin, int64_t end) {
          bool any = false;
          for (int64_t i = begin; i < end; ++i) {
            const auto label = static_cast<int64_t>(span[i]);
            if (IsIgnored(label, ignore))
              any = true;
            else if (label < 0 || label >= classes)
              bad.Add(i);
          }
          if (any) ignored = true;
        });
        if (bad.count > 0) RejectLabels("labels", bad, static_cast<int64_t>(span[bad.first]), classes);
        return ignored.load();
      },
      labels);
}

// Measures with the ignored pixels as one more class, image by image, and leaves out its map.
void MeasureAround(const LabelSpan& labels, const Grid& grid, const SignedDistanceOptions& options,
                   int64_t ignore, std::span<float> out, SignedDistanceFunction distances) {
  Require(options.classes < kMaxClasses, "classes: expected at most ", kMaxClasses - 1, ", got ",
          options.classes);
  const int64_t pixels = grid.Pixels(), kept = options.classes * pixels;
  SignedDistanceOptions more = options;
  more.classes += 1;
  Grid one = grid;
  one.batch = 1;
  std::vector<int32_t> marked(static_cast<size_t>(pixels));
  const std::unique_ptr<float[]> maps(new float[static_cast<size_t>(kept + pixels)]);
  for (int64_t image = 0; image < grid.batch; ++image) {
    std::visit(
        [&](auto span) {
          const auto* from = span.data() + image * pixels;
          ForBlocks(1, pixels, [&](int64_t, int64_t begin, int64_t count) {
            for (int64_t i = begin; i < begin + count; ++i)
              marked[i] = static_cast<int32_t>(IsIgnored(from[i], ignore) ? options.classes : from[i]);
          });
        },
        labels);
    distances(std::span<const int32_t>(marked), one, more,
              std::span<float>(maps.get(), static_cast<size_t>(kept + pixels)));
    ForBlocks(1, kept, [&](int64_t, int64_t begin, int64_t count) {
      std::copy_n(maps.get() + begin, count, out.data() + image * kept + begin);
    });
  }
}

struct Sides {
  float outside = 0, inside = 0;  // the largest distance on either side
};

Sides LargestOf(const std::vector<Sides>& parts, int64_t map, int64_t blocks) {
  Sides all;
  for (int64_t i = map * blocks; i < (map + 1) * blocks; ++i) {
    all.outside = std::max(all.outside, parts[i].outside);
    all.inside = std::max(all.inside, parts[i].inside);
  }
  return all;
}

void MoveToBorder(std::span<float> out, int64_t maps, int64_t pixels, double step, bool scaled) {
  const int64_t blocks = (pixels - 1) / kBlock + 1;
  std::vector<Sides> parts(static_cast<size_t>(maps * blocks));
  ForBlocks(maps, pixels, [&](int64_t map, int64_t begin, int64_t count) {
    Sides& part = parts[map * blocks + (begin - map * pixels) / kBlock];
    SignedDistanceLoops().extremes(out.data() + begin, count, &part.outside, &part.inside);
  });
  const auto moved = [step](float level) {
    return level < 0 ? static_cast<float>(static_cast<double>(level) + step) : level;
  };
  std::vector<Sides> largest(static_cast<size_t>(maps));
  for (int64_t map = 0; map < maps; ++map) largest[map] = LargestOf(parts, map, blocks);
  ForBlocks(maps, pixels, [&](int64_t map, int64_t begin, int64_t count) {
    float* levels = out.data() + begin;
    const Sides side = largest[map];
    if (!(side.outside > 0 && side.inside > 0)) {
      std::fill_n(levels, count, 0.0f);
      return;
    }
    for (int64_t i = 0; i < count; ++i) levels[i] = moved(levels[i]);
    if (!scaled) return;
    const float deepest = -moved(-side.inside);
    for (int64_t i = 0; i < count; ++i) {
      const float limit = levels[i] > 0 ? side.outside : deepest;
      if (limit > 0) levels[i] /= limit;
    }
  });
}

}  // namespace

void BorderLevels(const LabelSpan& labels, const Grid& grid, const BorderLevelOptions& options,
                  std::span<float> out, SignedDistanceFunction distances) {
  CheckSignedDistance(labels, grid, options.distances, out);
  const int64_t classes = options.distances.classes;
  if (CheckLabels(labels, classes, options.ignore))
    MeasureAround(labels, grid, options.distances, *options.ignore, out, distances);
  else
    distances(labels, grid, options.distances, out);
  if (options.form == LevelForm::kDistances) return;
  const auto& spacing = options.distances.spacing;
  const double step = *std::min_element(spacing.begin(), spacing.begin() + grid.rank);
  MoveToBorder(out, grid.batch * classes, grid.Pixels(), step, options.form == LevelForm::kScaledBorder);
}

void BorderDistances(const LabelSpan& labels, const Grid& grid, int64_t classes,
                     std::optional<int64_t> ignore, std::span<float> out, DistanceFunction distances) {
  CheckSignedDistance(labels, grid, {.classes = classes}, out);
  CheckLabels(labels, classes, ignore);
  const int64_t pixels = grid.Pixels();
  Grid one = grid;
  one.batch = classes;
  std::vector<uint8_t> masks(static_cast<size_t>(classes * pixels));
  for (int64_t image = 0; image < grid.batch; ++image) {
    float* const maps = out.data() + image * classes * pixels;
    std::visit(
        [&](auto span) {
          const auto* from = span.data() + image * pixels;
          ForBlocks(classes, pixels, [&](int64_t c, int64_t begin, int64_t count) {
            for (int64_t i = begin; i < begin + count; ++i) {
              const auto label = static_cast<int64_t>(from[i - c * pixels]);
              masks[i] = label != c || IsIgnored(label, ignore);
            }
          });
          distances(masks, one, {}, std::span<float>(maps, masks.size()));
          // The nearest pixel of another class is the nearest pixel of any of them.
          ForBlocks(1, pixels, [&](int64_t, int64_t begin, int64_t count) {
            for (int64_t i = begin; i < begin + count; ++i) {
              const auto label = static_cast<int64_t>(from[i]);
              // A label that changed since the check counts as ignored, rather than for a map that is not
              // there.
              const bool counts = label >= 0 && label < classes && !IsIgnored(label, ignore);
              float least = std::numeric_limits<float>::infinity();
              for (int64_t c = 0; c < classes; ++c) {
                float& distance = maps[c * pixels + i];
                if (c != label) least = std::min(least, distance);
                if (!counts || !std::isfinite(distance)) distance = 0;
              }
              if (counts) maps[label * pixels + i] = std::isfinite(least) ? least : 0;
            }
          });
        },
        labels);
  }
}

}  // namespace pixelcal::cpu
