// Exact Euclidean distance transform on the device, one pass per axis (Saito and Toriwaki 1994): run lengths
// along the slowest axis (distance/cuda_line_sweep.h), then the lower envelope of parabolas along each other
// axis (distance/cuda_envelope.h). O(pixels log n) work at worst. No padding, every map of a batch in each
// launch: 2 launches in 2-D, 3 in 3-D. Integer arithmetic, hence exact, with unit spacing; else double, in
// SciPy's order. Tested on an emulator, never yet run on a GPU.
#include <cmath>

#include "distance/cuda_distance.h"
#include "distance/cuda_envelope.h"
#include "distance/distance.h"

namespace pixelcal::cuda {
namespace {

// Converts steps to squares of T.
template <class T>
struct StepsSource {
  Steps steps;
  Axis<T> axis;
  T far;
  __device__ T operator()(int64_t at) const {
    const int count = steps.Load(at);
    return count >= kNoZeroSteps ? far : axis.Square(count);
  }
};

template <class T>
struct ValueSource {
  const T* values;
  __device__ T operator()(int64_t at) const { return values[at]; }
};

template <class T>
struct ValueSink {
  T* values;
  __device__ void operator()(int64_t at, T value) const { values[at] = value; }
};

// Converts squared distances to distances; `far` and more means "no zero anywhere".
template <class T>
struct DistanceSink {
  float* out;
  int64_t pixels;
  T far;
  bool squared, infinity, small;
  VirtualPoint point;

  __device__ void operator()(int64_t at, T value) const {
    // Below 2^24 integers are exact floats, and the root of a float rounds to the same float as that of a
    // double.
    if (small && value < far)
      out[at] = sqrtf(static_cast<float>(value));
    else if (value >= far && infinity)
      out[at] = std::numeric_limits<float>::infinity();
    else
      out[at] = Finished(value >= far ? point.SquaredDistance(at % pixels) : static_cast<double>(value));
  }
  __device__ float Finished(double square) const {
    return static_cast<float>(squared ? square : sqrt(square));
  }
};

template <class T, class Sink>
__global__ void FinishSteps(StepsSource<T> source, Sink sink, int64_t count) {
  ForItems(count, [&](int64_t at) { sink(at, source(at)); });
}

// The arithmetic of a plan in T: its axes, and a value farther than any of its pixels.
template <class T>
struct Measure {
  std::array<Axis<T>, 3> axes{};
  T far;

  explicit Measure(const DistancePlan& plan) {
    T farthest{0};
    for (size_t axis = 0; axis < static_cast<size_t>(plan.axes); ++axis) {
      axes[axis] = {static_cast<T>(plan.spacing[axis])};
      const T length = static_cast<T>(plan.size[axis] - 1) * axes[axis].spacing;
      farthest += length * length;
    }
    far = 2 * farthest + 1;
  }
};

template <class T, class Sink>
void FinishTo(Stream& stream, const DistancePlan& plan, const Steps& steps, const Measure<T>& in,
              const Sink& sink) {
  const StepsSource<T> source{steps, in.axes[0], in.far};
  const int64_t count = plan.maps * plan.pixels;
  if (plan.axes <= 1) {
    LaunchItems("FinishSteps", FinishSteps<T, Sink>, count, stream, source, sink, count);
  } else if (plan.axes == 2) {
    const Lines rows{plan.maps * plan.size[0], 1, static_cast<int>(plan.size[1])};
    RunEnvelope(stream, source, sink, rows, in.axes[1], in.far);
  } else {
    T* squares = stream.Allocate<T>(count);
    const int64_t planes = plan.maps * plan.size[0];
    const Lines columns{planes, plan.size[2], static_cast<int>(plan.size[1])};
    RunEnvelope(stream, source, ValueSink<T>{squares}, columns, in.axes[1], in.far);
    const Lines rows{planes, plan.size[1], static_cast<int>(plan.size[2])};
    RunEnvelope(stream, ValueSource<T>{squares}, sink, rows, in.axes[2], in.far);
  }
}

template <class T>
void FinishIn(Stream& stream, const DistancePlan& plan, const Steps& steps, float* out) {
  const Measure<T> in(plan);
  const bool small = std::is_same_v<T, int32_t> && !plan.squared && static_cast<double>(in.far) <= 0x1p24;
  FinishTo(stream, plan, steps, in,
           DistanceSink<T>{out, plan.pixels, in.far, plan.squared, plan.infinity, small, plan.point});
}

bool HasUnitSpacing(const DistancePlan& plan) {
  for (size_t axis = 0; axis < static_cast<size_t>(plan.axes); ++axis)
    if (plan.spacing[axis] != 1) return false;
  return true;
}

// The predicate for pixels of a mask that are 0.
struct MaskZeros {
  const uint8_t* mask;
  int64_t pixels;
  __device__ bool operator()(int64_t map, int64_t pixel) const { return mask[map * pixels + pixel] == 0; }
};

}  // namespace

VirtualPoint MakeVirtualPoint(const Grid& grid, const std::array<double, 3>& spacing) {
  VirtualPoint point{grid.DepthHeightWidth(), {1, 1, 1}, {0, 0, 0}};
  for (int axis = 0; axis < grid.rank; ++axis)
    point.spacing[3 - grid.rank + axis] = spacing[static_cast<size_t>(axis)];
  point.before[3 - grid.rank] = 1;
  return point;
}

DistancePlan MakePlan(int64_t maps, const Grid& grid, const DistanceOptions& options) {
  DistancePlan plan{maps,
                    grid.Pixels(),
                    0,
                    {1, 1, 1},
                    {1, 1, 1},
                    options.squared,
                    options.no_zero == NoZero::kInfinity,
                    MakeVirtualPoint(grid, options.spacing)};
  for (size_t axis = 0; axis < static_cast<size_t>(grid.rank); ++axis) {
    Require(options.spacing[axis] > 0 && std::isfinite(options.spacing[axis]),
            "spacing: expected positive finite numbers, got ", options.spacing[axis]);
    Require(grid.size[axis] < kNoZeroSteps, "size: expected at most 2^29 - 1 pixels per axis, got ",
            grid.size[axis]);
    if (grid.size[axis] == 1) continue;
    plan.size[static_cast<size_t>(plan.axes)] = grid.size[axis];
    plan.spacing[static_cast<size_t>(plan.axes++)] = options.spacing[axis];
  }
  return plan;
}

bool HasIntegers(const DistancePlan& plan) {
  double farthest = 0;
  for (size_t axis = 0; axis < static_cast<size_t>(plan.axes); ++axis)
    farthest += static_cast<double>(plan.size[axis]) * static_cast<double>(plan.size[axis]);
  // `far` plus one more axis must fit: 3 farthest + 1 < 2^31.
  return HasUnitSpacing(plan) && farthest < 7e8;
}

void FinishDistances(Stream& stream, const DistancePlan& plan, const Steps& steps, float* out) {
  if (!HasUnitSpacing(plan))
    FinishIn<double>(stream, plan, steps, out);
  else if (HasIntegers(plan))
    FinishIn<int32_t>(stream, plan, steps, out);
  else
    FinishIn<int64_t>(stream, plan, steps, out);
}

template <class T>
void FinishSquares(Stream& stream, const DistancePlan& plan, const Steps& steps, T* out) {
  FinishTo(stream, plan, steps, Measure<T>(plan), ValueSink<T>{out});
}
template void FinishSquares(Stream&, const DistancePlan&, const Steps&, int32_t*);
template void FinishSquares(Stream&, const DistancePlan&, const Steps&, double*);

void DistanceTransform(std::span<const uint8_t> mask, const Grid& grid, const DistanceOptions& options,
                       std::span<float> out) {
  const auto count = static_cast<size_t>(grid.Count());
  Require(mask.size() == count, "mask: expected ", count, " elements, got ", mask.size());
  Require(out.size() == count, "out: expected ", count, " elements, got ", out.size());
  const int64_t pixels = grid.Pixels();
  ForPieces(grid, HostBytes(mask) + HostBytes(out), [&](Stream& stream, int64_t first, const Grid& piece) {
    const uint8_t* masks = stream.In(Part(mask, first * pixels, piece.batch * pixels));
    float* distances = stream.Out(Part(out, first * pixels, piece.batch * pixels));
    Distances(stream, MakePlan(piece.batch, piece, options), MaskZeros{masks, pixels}, distances);
  });
}

}  // namespace pixelcal::cuda
