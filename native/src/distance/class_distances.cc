// One transform per class. Labels are narrowed to bytes once; with more than 255 classes, once per group of
// 255. Memory beside the result: a byte per pixel.
#include "distance/class_distances.h"

#include <algorithm>
#include <optional>

#include "base/parallel.h"
#include "base/scratch.h"
#include "distance/signed_distance_loops.h"
#include "labels/bad_pixels.h"

namespace pixelcal::internal {
namespace {

constexpr int64_t kGrain = 1 << 14;    // pixels
constexpr int64_t kWordClasses = 64;   // classes that are bits of a word
constexpr int64_t kByteClasses = 255;  // classes that a byte tells apart, one value being "another class"

// Scratch of templates, which all types of label share.
struct ClassesSeen;
struct OthersSeen;
struct LabelBytes;
struct MapExtents;

// Marks the classes that fill their image, as its only class does.
void MarkFull(int64_t images, int64_t classes, Extent* extents) {
  for (int64_t image = 0; image < images; ++image) {
    Extent* of = extents + image * classes;
    if (std::count(of, of + classes, Extent::kPart) == 1)
      std::replace(of, of + classes, Extent::kPart, Extent::kFull);
  }
}

bool Scan(const uint8_t* labels, int64_t count, int64_t classes, uint8_t* bytes, uint64_t* seen) {
  return SignedDistanceLoops().scan8(labels, count, classes, bytes, seen);
}
bool Scan(const int32_t* labels, int64_t count, int64_t classes, uint8_t* bytes, uint64_t* seen) {
  return SignedDistanceLoops().scan32(labels, count, classes, bytes, seen);
}
bool Scan(const int64_t* labels, int64_t count, int64_t classes, uint8_t* bytes, uint64_t* seen) {
  return SignedDistanceLoops().scan64(labels, count, classes, bytes, seen);
}

// Writes extents[image * classes + c]; labels outside [0, classes) go to `bad`. With up to kWordClasses
// classes it writes the labels as bytes on the way, unless `bytes` is null.
template <class Label>
void FindExtents(std::span<const Label> labels, int64_t images, int64_t pixels, int64_t classes,
                 uint8_t* bytes, Extent* extents, BadPixels& bad) {
  // A label is read once: its owner may change it meanwhile.
  const auto class_of = [&](int64_t i) -> std::optional<int64_t> {
    const auto label = static_cast<int64_t>(labels[static_cast<size_t>(i)]);
    if (label >= 0 && label < classes) return label;
    bad.Add(i);
    return std::nullopt;
  };
  if (classes > kWordClasses) {
    ParallelFor(images, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin * pixels; i < end * pixels; ++i) {
        if (const auto label = class_of(i)) extents[i / pixels * classes + *label] = Extent::kPart;
      }
    });
    return;
  }
  const int64_t chunks = (pixels + kGrain - 1) / kGrain;
  auto* seen = Scratch<uint64_t, ClassesSeen>(static_cast<size_t>(images * chunks));
  ParallelFor(images * chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t at = task % chunks * kGrain, first = task / chunks * pixels + at;
      const int64_t count = std::min(kGrain, pixels - at);
      if (Scan(labels.data() + first, count, classes, bytes ? bytes + first : nullptr, &seen[task])) continue;
      for (int64_t i = first; i < first + count; ++i) static_cast<void>(class_of(i));
    }
  });
  for (int64_t task = 0; task < images * chunks; ++task)
    for (int64_t c = 0; c < classes; ++c)
      if (seen[task] >> c & 1) extents[task / chunks * classes + c] = Extent::kPart;
}

// Does the same as FindExtents with `ignore`, which is no class; its byte is that of "another class".
template <class Label>
void FindOtherExtents(std::span<const Label> labels, int64_t images, int64_t pixels, int64_t classes,
                      int64_t ignore, uint8_t* bytes, Extent* extents, BadPixels& bad) {
  const int64_t chunks = (pixels + kGrain - 1) / kGrain;
  Extent part = Extent::kPart;  // stored by any thread that sees it; libc++ has no std::atomic_ref
  ParallelFor(images * chunks, 1, [&](int64_t begin, int64_t end) {
    auto* seen = Scratch<uint8_t, OthersSeen>(static_cast<size_t>(classes));
    for (int64_t task = begin; task < end; ++task) {
      const int64_t at = task % chunks * kGrain, first = task / chunks * pixels + at;
      const int64_t last = first + std::min(kGrain, pixels - at);
      std::fill_n(seen, classes, uint8_t{0});
      for (int64_t i = first; i < last; ++i) {
        const auto label = static_cast<int64_t>(labels[static_cast<size_t>(i)]);
        const bool counted = label != ignore, valid = label >= 0 && label < classes;
        if (counted && !valid) bad.Add(i);
        if (counted && valid) seen[label] = 1;
        bytes[i] = static_cast<uint8_t>(counted && valid && label < kByteClasses ? label : kByteClasses);
      }
      for (int64_t c = 0; c < classes; ++c)
        if (seen[c]) __atomic_store(&extents[task / chunks * classes + c], &part, __ATOMIC_RELAXED);
    }
  });
}

// Writes the labels [first, first + kByteClasses) as bytes from 0 on, other labels and `ignore` as
// kByteClasses.
template <class Label>
void Narrow(std::span<const Label> labels, int64_t first, std::optional<int64_t> ignore, uint8_t* bytes) {
  const int64_t none = ignore.value_or(-1);  // -1 is no class anyway
  ParallelFor(static_cast<int64_t>(labels.size()), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto all = static_cast<int64_t>(labels[static_cast<size_t>(i)]);
      const int64_t label = all - first;
      const bool inside = label >= 0 && label < kByteClasses && all != none;
      bytes[i] = static_cast<uint8_t>(inside ? label : kByteClasses);
    }
  });
}

template <class Label>
ClassMaps Read(std::span<const Label> labels, const Grid& grid, int64_t classes,
               std::optional<int64_t> ignore) {
  const int64_t pixels = grid.Pixels(), maps = grid.batch * classes;
  uint8_t* memory = nullptr;
  const uint8_t* bytes = nullptr;
  if constexpr (sizeof(Label) == 1) bytes = classes <= kByteClasses && !ignore ? labels.data() : nullptr;
  if (!bytes) bytes = memory = Scratch<uint8_t, LabelBytes>(labels.size());
  auto* extents = Scratch<Extent, MapExtents>(static_cast<size_t>(maps));
  std::fill_n(extents, maps, Extent::kNone);
  BadPixels bad;
  if (ignore)
    FindOtherExtents(labels, grid.batch, pixels, classes, *ignore, memory, extents, bad);
  else
    FindExtents(labels, grid.batch, pixels, classes, classes <= kWordClasses ? memory : nullptr, extents,
                bad);
  if (bad.count > 0)
    RejectLabels("labels", bad, static_cast<int64_t>(labels[static_cast<size_t>(bad.first)]), classes);
  MarkFull(grid.batch, classes, extents);
  const bool narrowed = ignore ? classes <= kByteClasses : classes <= kWordClasses;
  return {bytes, narrowed ? nullptr : memory, extents};
}

}  // namespace

ClassMaps ReadClasses(const LabelSpan& labels, const Grid& grid, int64_t classes,
                      std::optional<int64_t> ignore) {
  return std::visit([&](auto span) { return Read(span, grid, classes, ignore); }, labels);
}

void ClassDistances(const LabelSpan& labels, const Grid& grid, int64_t classes, std::optional<int64_t> ignore,
                    const GridDistance& transform, const ClassMaps& maps, Form form, float* out,
                    const std::function<void(int64_t image, int64_t band)>& after, const uint8_t* near,
                    int32_t reach) {
  const int64_t pixels = grid.Pixels();
  for (int64_t first = 0; first < classes; first += kByteClasses) {
    const int64_t last = std::min(classes, first + kByteClasses);
    if (maps.memory) std::visit([&](auto span) { Narrow(span, first, ignore, maps.memory); }, labels);
    const auto for_each = [&](int64_t tasks, const auto& body, const auto& then) {
      const int64_t grain = Grain(pixels / tasks * (last - first));
      ParallelFor(grid.batch * tasks, grain, [&](int64_t begin, int64_t end) {
        for (int64_t task = begin; task < end; ++task) {
          const int64_t image = task / tasks, i = task % tasks;
          for (int64_t c = first; c < last; ++c) {
            const int64_t map = image * classes + c;
            if (maps.extents[map] != Extent::kPart) continue;
            body(Sites{maps.bytes + image * pixels, static_cast<uint8_t>(c - first), true}, image, i,
                 out + map * pixels);
          }
          then(image, i);
        }
      });
    };
    for_each(
        transform.sweeps(),
        [&](const Sites& sites, int64_t, int64_t i, float* to) { transform.Sweep(sites, i, to); },
        [](int64_t, int64_t) {});
    // After the last class of a band its distances are still in cache.
    for_each(
        transform.bands(),
        [&](const Sites& sites, int64_t image, int64_t i, float* to) {
          if (near)
            transform.FinishNear(sites, i, near + image * transform.tiles(), reach, to);
          else
            transform.Finish(sites, i, form, to);
        },
        [&](int64_t image, int64_t band) {
          if (last == classes) after(image, band);
        });
  }
}

}  // namespace pixelcal::internal
