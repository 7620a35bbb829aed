// Surface distances on the device, image by image: the box around both masks, the codes of both surfaces'
// elements in it, the exact distance transforms to both (kernels/distance.cu; Saito and Toriwaki 1994) as two
// maps of one batch, and of each the values at the other's elements, compacted in order: chunks are counted,
// then written at the sums of the counts before them (as Blelloch, "Prefix sums and their applications",
// 1990). Only those lists leave the device; the CPU's code makes percentiles and means of them. O(pixels) and
// O(pixels of the box log n). Run on the emulator only.
#include "cuda/distance.h"
#include "cuda/launch.h"
#include "kernels/surface.h"
#include "kernels/surface_distance.h"
#include "kernels/surface_measures.h"

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

// A mask by the coordinates of a box, outside of which it has no pixels.
struct BoxedMask {
  const uint8_t* first;  // pixel of the box
  Dhw extent;
  int64_t row, plane;  // strides

  __device__ bool At(int64_t z, int64_t y, int64_t x) const {
    return z >= 0 && z < extent[0] && y >= 0 && y < extent[1] && x >= 0 && x < extent[2] &&
           first[z * plane + y * row + x] != 0;
  }
};

// 1 for pixels with a neighbour outside the mask.
struct PixelCode {
  int rank;
  bool full;

  __device__ uint8_t operator()(const BoxedMask& mask, int64_t z, int64_t y, int64_t x) const {
    if (!mask.At(z, y, x)) return 0;
    const int deep = rank > 2 ? 1 : 0, high = rank > 1 ? 1 : 0;
    for (int dz = -deep; dz <= deep; ++dz)
      for (int dy = -high; dy <= high; ++dy)
        for (int dx = -1; dx <= 1; ++dx)
          if ((full || dz * dz + dy * dy + dx * dx == 1) && !mask.At(z + dz, y + dy, x + dx)) return 1;
    return 0;
  }
};

// The code of SurfaceElementSizes of the 2^rank pixels around a corner, 0 where all agree.
struct CornerCode {
  int rank;

  __device__ uint8_t operator()(const BoxedMask& mask, int64_t z, int64_t y, int64_t x) const {
    const int deep = rank > 2 ? 1 : 0, all = rank > 2 ? 255 : 15;
    int code = 0;
    for (int oz = -deep; oz <= 0; ++oz)
      for (int oy = -1; oy <= 0; ++oy)
        for (int ox = -1; ox <= 0; ++ox) code = code << 1 | (mask.At(z + oz, y + oy, x + ox) ? 1 : 0);
    return static_cast<uint8_t>(code == all ? 0 : code);
  }
};

template <class Code>
__global__ void CodePlaces(BoxedMask mask, Dhw size, Code code, uint8_t* codes) {
  ForItems(size[0] * size[1] * size[2], [&](int64_t i) {
    codes[i] = code(mask, i / (size[1] * size[2]), i / size[2] % size[1], i % size[2]);
  });
}

// Places that belong to a surface, of a (map 0) and b.
struct Elements {
  const uint8_t* codes;
  int64_t places;
  __device__ bool operator()(int64_t map, int64_t place) const { return codes[map * places + place] != 0; }
};

// Calls body(chunk, first, end) for the chunks of both maps, one a warp.
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

// From `starts` of each chunk on: the square of the other map at every element, and its code.
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
                               double side, std::span<const double> weights, const SurfaceOptions& options) {
  const int64_t places = elements.places, chunks = (places - 1) / kChunkPlaces + 1;
  int64_t* counts = stream.Allocate<int64_t>(2 * chunks);
  LaunchItems("CountElements", CountElements, 2 * chunks * kWarp, stream, elements, chunks, counts);
  T* squares = stream.Allocate<T>(2 * places);
  const Steps steps = SweepZeros(stream, plan, elements);
  if constexpr (std::is_same_v<T, int32_t>)
    FinishSquares(stream, plan, steps, squares);
  else
    FinishDistances(stream, plan, steps, squares);

  std::vector<int64_t> starts = stream.Read(counts, 2 * chunks);
  int64_t total = 0, of_a = 0;
  for (int64_t chunk = 0; chunk < 2 * chunks; ++chunk) {
    if (chunk == chunks) of_a = total;
    const int64_t count = starts[static_cast<size_t>(chunk)];
    starts[static_cast<size_t>(chunk)] = total;
    total += count;
  }
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

SurfaceMeasures MeasureImage(std::span<const uint8_t> a, std::span<const uint8_t> b, const Grid& grid,
                             const SurfaceOptions& options, std::span<const double> weights) {
  constexpr auto kNone = std::numeric_limits<unsigned long long>::max();
  const Dhw dhw = grid.DepthHeightWidth();
  Stream stream;
  const uint8_t *mask_a = stream.In(a), *mask_b = stream.In(b);
  Bounds bounds{{kNone, kNone, kNone}, {0, 0, 0}, {0, 0}};
  LaunchItems("FindBounds", FindBounds, grid.Pixels(), stream, mask_a, mask_b, dhw,
              stream.InOut(std::span(&bounds, 1)));
  stream.Finish();
  if (!bounds.found[0] || !bounds.found[1])
    return MeasuresWhenEmpty(!bounds.found[0] && !bounds.found[1], grid, options);

  const bool corners = options.convention == SurfaceConvention::kDeepMind;
  Dhw extent, size;
  int64_t first = 0;
  for (size_t axis = 0; axis < 3; ++axis) {
    first = first * dhw[axis] + static_cast<int64_t>(bounds.least[axis]);
    extent[axis] = static_cast<int64_t>(bounds.most[axis] - bounds.least[axis]) + 1;
    size[axis] = extent[axis] + (corners && static_cast<int>(axis) >= 3 - grid.rank ? 1 : 0);
  }
  const Grid places = GridOf(size, grid.rank);
  const int64_t count = places.Pixels();
  uint8_t* codes = stream.Allocate<uint8_t>(CheckedProduct(2, count));
  for (int map = 0; map < 2; ++map) {
    const BoxedMask mask{(map == 0 ? mask_a : mask_b) + first, extent, dhw[2], dhw[1] * dhw[2]};
    uint8_t* to = codes + map * count;
    if (corners)
      LaunchItems("CodePlaces", CodePlaces<CornerCode>, count, stream, mask, size, CornerCode{grid.rank}, to);
    else
      LaunchItems("CodePlaces", CodePlaces<PixelCode>, count, stream, mask, size,
                  PixelCode{grid.rank, options.convention == SurfaceConvention::kReference}, to);
  }

  const double common = CommonSide(places, options.spacing), side = common == 0 ? 1 : common;
  const std::array<double, 3> spacing = common == 0 ? options.spacing : std::array<double, 3>{1, 1, 1};
  const DistancePlan plan = MakePlan(2, places, {spacing, true, NoZero::kInfinity});
  const Elements elements{codes, count};
  return HasIntegers(plan) ? MeasureBetween<int32_t>(stream, elements, plan, side, weights, options)
                           : MeasureBetween<float>(stream, elements, plan, side, weights, options);
}

}  // namespace

void SurfaceDistances(std::span<const uint8_t> a, std::span<const uint8_t> b, const Grid& grid,
                      const SurfaceOptions& options, std::span<SurfaceMeasures> out) {
  const std::vector<double> weights = CheckSurfaces(a, b, grid, options, out);
  const int64_t pixels = grid.Pixels();
  for (int64_t image = 0; image < grid.batch; ++image) {
    out[static_cast<size_t>(image)] = MeasureImage(Part(a, image * pixels, pixels),
                                                   Part(b, image * pixels, pixels), grid, options, weights);
  }
}

}  // namespace pixelcal::cuda
