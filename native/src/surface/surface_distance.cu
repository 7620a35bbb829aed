// Surface distances on the device, image by image (for label maps region by region, as masks in bytes made
// from codes that are encoded once): the box around both masks, the codes of both surfaces' elements in it,
// the exact distance transforms to both (distance/distance.cu; Saito and Toriwaki 1994) as two maps of one
// batch, and from each transform the values at the other's elements, compacted in order: chunks are counted,
// then written at the sums of the counts before them (as Blelloch, "Prefix sums and their applications",
// 1990). Only those lists leave the device; the CPU's code computes percentiles and means from them.
// O(pixels) and O(pixels of the box log n). Run on the emulator only.
#include "cuda/launch.h"
#include "distance/cuda_distance.h"
#include "labels/cuda_labels.h"
#include "surface/cuda_surface.h"
#include "surface/region_masks.h"
#include "surface/surface.h"
#include "surface/surface_distance.h"
#include "surface/surface_measures.h"

namespace pixelcal::cuda {
namespace {

constexpr int64_t kChunkPlaces = 2048;  // a warp's

struct Bounds {
  unsigned long long least[3], most[3];
  unsigned found[2];  // whether a and b have any pixel
};

__global__ void FindBounds(const uint8_t* a, const uint8_t* b, Dhw size, Bounds* bounds) {
  constexpr auto kNone = std::numeric_limits<unsigned long long>::max();
  unsigned long long least[3] = {kNone, kNone, kNone}, most[3] = {0, 0, 0};
  unsigned found_a = 0, found_b = 0;
  ForItems(size[0] * size[1] * size[2], [&](int64_t i) {
    const bool in_a = a[i] != 0, in_b = b[i] != 0;
    if (!in_a && !in_b) return;
    found_a |= in_a;
    found_b |= in_b;
    const int64_t at[3] = {i / (size[1] * size[2]), i / size[2] % size[1], i % size[2]};
    for (int axis = 0; axis < 3; ++axis) {
      least[axis] = Least(least[axis], static_cast<unsigned long long>(at[axis]));
      most[axis] = Most(most[axis], static_cast<unsigned long long>(at[axis]));
    }
  });
  found_a = WarpMost(found_a);
  found_b = WarpMost(found_b);
  for (int axis = 0; axis < 3; ++axis) {
    least[axis] = WarpLeast(least[axis]);
    most[axis] = WarpMost(most[axis]);
  }
  if (threadIdx.x % kWarp != 0 || (found_a | found_b) == 0) return;
  atomicMax(&bounds->found[0], found_a);
  atomicMax(&bounds->found[1], found_b);
  for (int axis = 0; axis < 3; ++axis) {
    atomicMin(&bounds->least[axis], least[axis]);
    atomicMax(&bounds->most[axis], most[axis]);
  }
}

template <class Code>
__global__ void CodePlaces(BoxedMask mask, Dhw size, Code code, uint8_t* codes) {
  ForItems(size[0] * size[1] * size[2], [&](int64_t i) {
    codes[i] = code(mask, i / (size[1] * size[2]), i / size[2] % size[1], i % size[2]);
  });
}

// The places that belong to a surface, of a (map 0) and b.
struct Elements {
  const uint8_t* codes;
  int64_t places;
  __device__ bool operator()(int64_t map, int64_t place) const { return codes[map * places + place] != 0; }
};

// Calls body(chunk, first, end) for the chunks of both maps, one per warp.
template <class Body>
__device__ void ForWarpChunks(int64_t places, int64_t chunks, const Body& body) {
  const int64_t warps = static_cast<int64_t>(gridDim.x) * (blockDim.x / kWarp);
  for (int64_t chunk = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
       chunk < 2 * chunks; chunk += warps) {
    const int64_t first = chunk % chunks * kChunkPlaces;
    body(chunk, first, Least(places, first + kChunkPlaces));
  }
}

__global__ void CountElements(Elements elements, int64_t chunks, int64_t* counts) {
  const int lane = threadIdx.x % kWarp;
  ForWarpChunks(elements.places, chunks, [&](int64_t chunk, int64_t first, int64_t end) {
    int count = 0;
    for (int64_t i = first + lane; i < end; i += kWarp) count += elements(chunk / chunks, i) ? 1 : 0;
    count = WarpSum(count);
    if (lane == 0) counts[chunk] = count;
  });
}

// Writes, from `starts` of each chunk on, the square of the other map at every element, and its code.
template <class T>
__global__ void GatherElements(Elements elements, int64_t chunks, const int64_t* starts, const T* squares,
                               T* listed, uint8_t* codes) {
  const int lane = threadIdx.x % kWarp;
  ForWarpChunks(elements.places, chunks, [&](int64_t chunk, int64_t first, int64_t end) {
    const int64_t map = chunk / chunks;
    int64_t to = starts[chunk];
    for (int64_t from = first; from < end; from += kWarp) {
      const int64_t place = from + lane;
      const bool found = place < end && elements(map, place);
      const unsigned all = __ballot_sync(kAllLanes, found);
      if (found) {
        const int64_t at = to + __popc(all & ((1u << lane) - 1));
        listed[at] = squares[(1 - map) * elements.places + place];
        codes[at] = elements.codes[map * elements.places + place];
      }
      to += __popc(all);
    }
  });
}

template <class T>
SurfaceMeasures MeasureBetween(Stream& stream, const Elements& elements, const DistancePlan& plan,
                               double side, std::span<const double> weights, const Grid& grid,
                               const SurfaceOptions& options) {
  const int64_t places = elements.places, chunks = (places - 1) / kChunkPlaces + 1;
  int64_t* counts = stream.Allocate<int64_t>(2 * chunks);
  LaunchItems("CountElements", CountElements, 2 * chunks * kWarp, stream, elements, chunks, counts);
  T* squares = stream.Allocate<T>(2 * places);
  const Steps steps = SweepZeros(stream, plan, elements);
  FinishSquares(stream, plan, steps, squares);

  std::vector<int64_t> starts = stream.Read(counts, 2 * chunks);
  int64_t total = 0, of_a = 0;
  for (int64_t chunk = 0; chunk < 2 * chunks; ++chunk) {
    if (chunk == chunks) of_a = total;
    const int64_t count = starts[static_cast<size_t>(chunk)];
    starts[static_cast<size_t>(chunk)] = total;
    total += count;
  }
  if (of_a == 0 || of_a == total) return MeasuresWhenEmpty(total == 0, grid, options);
  T* listed = stream.Allocate<T>(total);
  uint8_t* codes = stream.Allocate<uint8_t>(total);
  LaunchItems("GatherElements", GatherElements<T>, 2 * chunks * kWarp, stream, elements, chunks,
              stream.In(starts), squares, listed, codes);
  const std::vector<T> all = stream.Read(listed, total);
  const std::vector<uint8_t> all_codes = stream.Read(codes, weights.empty() ? 0 : total);
  const auto part = [&](int64_t first, int64_t count) {
    return SurfaceSquares<T>{Part(std::span(all), first, count), Part(std::span(all_codes), first, count)};
  };
  return MeasureSquares<T>(part(0, of_a), part(of_a, total - of_a), side, weights, options);
}

// The masks of one image on the device: a, b and the ignored pixels, or null for none.
struct DeviceMasks {
  const uint8_t *a, *b, *ignored;
};

SurfaceMeasures MeasureImage(Stream& stream, const DeviceMasks& masks, const Grid& grid,
                             const SurfaceOptions& options, std::span<const double> weights) {
  constexpr auto kNone = std::numeric_limits<unsigned long long>::max();
  const Dhw dhw = grid.DepthHeightWidth();
  Bounds bounds{{kNone, kNone, kNone}, {0, 0, 0}, {0, 0}};
  Bounds* found = stream.Allocate<Bounds>(1);
  stream.Upload(&bounds, found, sizeof bounds);
  LaunchItems("FindBounds", FindBounds, grid.Pixels(), stream, masks.a, masks.b, dhw, found);
  bounds = stream.Read(found, 1)[0];
  const bool any_a = bounds.found[0] != 0, any_b = bounds.found[1] != 0;
  // Surrounded by ignored pixels a mask may have no surface, which shows later.
  if ((!any_a && !any_b) || (!masks.ignored && (!any_a || !any_b)))
    return MeasuresWhenEmpty(!any_a && !any_b, grid, options);
  Box box;
  for (size_t axis = 0; axis < 3; ++axis) {
    box.first[axis] = static_cast<int64_t>(bounds.least[axis]);
    box.last[axis] = static_cast<int64_t>(bounds.most[axis]);
  }
  if (masks.ignored) WidenBox(dhw, box);

  const bool corners = options.convention == SurfaceConvention::kDeepMind;
  const Dhw extent = box.Extent();
  Dhw size;
  int64_t first = 0;
  for (size_t axis = 0; axis < 3; ++axis) {
    first = first * dhw[axis] + box.first[axis];
    size[axis] = extent[axis] + (corners && static_cast<int>(axis) >= 3 - grid.rank ? 1 : 0);
  }
  const Grid places = GridOf(size, grid.rank);
  const int64_t count = places.Pixels();
  uint8_t* codes = stream.Allocate<uint8_t>(CheckedProduct(2, count));
  for (int map = 0; map < 2; ++map) {
    const BoxedMask mask{(map == 0 ? masks.a : masks.b) + first,
                         masks.ignored ? masks.ignored + first : nullptr, extent, dhw[2], dhw[1] * dhw[2]};
    uint8_t* to = codes + map * count;
    if (corners)
      LaunchItems("CodePlaces", CodePlaces<CornerCode>, count, stream, mask, size, CornerCode{grid.rank}, to);
    else
      LaunchItems("CodePlaces", CodePlaces<PixelCode>, count, stream, mask, size,
                  PixelCode{grid.rank, options.convention == SurfaceConvention::kReference}, to);
  }

  const auto [spacing, side] = ScaleOf(places, options.spacing);
  const DistancePlan plan = MakePlan(2, places, {spacing, true, NoZero::kInfinity});
  const Elements elements{codes, count};
  return HasIntegers(plan) ? MeasureBetween<int32_t>(stream, elements, plan, side, weights, grid, options)
                           : MeasureBetween<double>(stream, elements, plan, side, weights, grid, options);
}

// Writes 1 where the codes of both maps are classes and the code of `codes` is in the region, whose classes
// have a 1 in `members`.
__global__ void MarkRegion(const int16_t* codes, const int16_t* labels, const uint8_t* members, int64_t count,
                           uint8_t* mask) {
  ForItems(count, [&](int64_t i) { mask[i] = labels[i] >= 0 && codes[i] >= 0 ? members[codes[i]] : 0; });
}

__global__ void MarkIgnored(const int16_t* labels, int64_t count, uint8_t* mask) {
  ForItems(count, [&](int64_t i) { mask[i] = labels[i] == kLeftOutCode ? 1 : 0; });
}

}  // namespace

void SurfaceDistances(std::span<const uint8_t> a, std::span<const uint8_t> b, const Grid& grid,
                      const SurfaceOptions& options, std::span<SurfaceMeasures> out) {
  const std::vector<double> weights = CheckSurfaces(a, b, grid, options, out);
  const int64_t pixels = grid.Pixels();
  for (int64_t image = 0; image < grid.batch; ++image) {
    Stream stream;
    const DeviceMasks masks{stream.In(Part(a, image * pixels, pixels)),
                            stream.In(Part(b, image * pixels, pixels)), nullptr};
    out[static_cast<size_t>(image)] = MeasureImage(stream, masks, grid, options, weights);
  }
}

void LabelSurfaceDistances(const LabelSpan& predicted, const LabelSpan& labels, const Grid& grid,
                           const SurfaceRegions& regions, const SurfaceOptions& options,
                           std::span<SurfaceMeasures> out) {
  const std::vector<double> weights = CheckLabelSurfaces(predicted, labels, grid, regions, options, out);
  const int64_t pixels = grid.Pixels();
  bool checked = false;
  for (int64_t image = 0; image < grid.batch; ++image) {
    Stream codes;
    Findings findings;
    Finding *bad_labels = findings.Add(codes), *bad_predicted = findings.Add(codes);
    const int16_t* is = EncodeLabels(codes, Part(labels, image * pixels, pixels), regions.classes,
                                     regions.ignore, bad_labels);
    const int16_t* seen = EncodeLabels(codes, Part(predicted, image * pixels, pixels), regions.classes,
                                       std::nullopt, bad_predicted);
    uint8_t* ignored = regions.ignore ? codes.Allocate<uint8_t>(pixels) : nullptr;
    if (ignored) LaunchItems("MarkIgnored", MarkIgnored, pixels, codes, is, pixels, ignored);
    const bool bad = codes.Read(bad_labels, 1)[0].count + codes.Read(bad_predicted, 1)[0].count > 0;
    if (bad && !checked) {
      // A predicted class outside is no error where the label is ignored; the CPU's kernel finds the errors.
      HostCopies copies;
      CheckLabelMaps(copies(predicted), copies(labels), grid.Count(), regions.classes, regions.ignore);
      checked = true;
    }
    for (size_t region = 0; region < regions.sets.size(); ++region) {
      Stream stream;
      std::vector<uint8_t> members(static_cast<size_t>(regions.classes), 0);
      for (const int64_t label : regions.sets[region]) members[static_cast<size_t>(label)] = 1;
      const uint8_t* in = stream.In(members);
      uint8_t *a = stream.Allocate<uint8_t>(pixels), *b = stream.Allocate<uint8_t>(pixels);
      LaunchItems("MarkRegion", MarkRegion, pixels, stream, seen, is, in, pixels, a);
      LaunchItems("MarkRegion", MarkRegion, pixels, stream, is, is, in, pixels, b);
      out[static_cast<size_t>(image) * regions.sets.size() + region] =
          MeasureImage(stream, {a, b, ignored}, grid, OptionsOf(regions, region, options), weights);
    }
  }
}

}  // namespace pixelcal::cuda
