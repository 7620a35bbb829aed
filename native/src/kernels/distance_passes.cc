// Exact Euclidean distance transform for any spacing and size, one pass per axis (Saito & Toriwaki 1994):
// run lengths along the slowest axis, then the lower envelope of parabolas along each other axis
// (envelope.h). O(pixels log n) at worst, near O(pixels) for masks as they occur. In double, in scipy's
// order, or with unit spacing in 64-bit integers. unit_distance.cc is what most calls use.
#include "kernels/distance_passes.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/envelope.h"
#include "scratch.h"
#include "targets.h"

namespace pixelcal {
namespace internal {
namespace {

template <class T>
struct AxisSquares {
  std::vector<T> squares;
  StepSquares<T> steps;

  AxisSquares(int64_t n, double spacing) : squares(static_cast<size_t>(2 * n - 1)) {
    for (int64_t k = 1 - n; k < n; ++k) {
      if constexpr (std::is_same_v<T, double>) {
        const double length = static_cast<double>(k) * spacing;
        squares[static_cast<size_t>(k + n - 1)] = length * length;
      } else {
        squares[static_cast<size_t>(k + n - 1)] = static_cast<T>(k) * static_cast<T>(k);
      }
    }
    steps = {squares.data() + n - 1, 1 / spacing};
  }
};

// Squared distances to distances; `far` and more is "no zero anywhere".
template <class T>
[[gnu::always_inline]] inline float Finished(T value, T far, bool squared) {
  if (value >= far) return std::numeric_limits<float>::infinity();
  return static_cast<float>(squared ? static_cast<double>(value) : std::sqrt(static_cast<double>(value)));
}

template <class T>
[[gnu::always_inline]] inline void FinishRow(const T* values, int64_t count, T far, bool squared,
                                             float* out) {
  for (int64_t i = 0; i < count; ++i) out[i] = Finished(values[i], far, squared);
}

PIXELCAL_TARGETS void Finish(const int64_t* values, int64_t count, int64_t far, bool squared, float* out) {
  FinishRow(values, count, far, squared, out);
}
PIXELCAL_TARGETS void Finish(const double* values, int64_t count, double far, bool squared, float* out) {
  FinishRow(values, count, far, squared, out);
}

template <class T>
struct Passes {
  const DistancePlan& plan;
  std::vector<AxisSquares<T>> axes;
  T far;

  explicit Passes(const DistancePlan& p) : plan(p) {
    T farthest{0};
    for (int axis = 0; axis < p.axes; ++axis) {
      axes.emplace_back(p.size[axis], p.spacing[axis]);
      farthest += axes.back().squares[0];
    }
    far = 2 * farthest + 1;
  }

  T Squared(float steps) const {
    const int32_t count = LoadSteps(steps);
    return count >= kNoZeroOnLine ? far : axes[0].steps.center[count];
  }

  // The envelope along rows: up to kLanes rows of `columns` values, `from` and `to` row by row.
  // load(lane, column) gives the input.
  template <class Load>
  void AlongRows(const AxisSquares<T>& axis, int64_t lanes, int64_t columns, const Load& load,
                 float* to) const {
    T* f = Scratch<T, 0>(static_cast<size_t>(columns * kLanes));
    T* g = Scratch<T, 1>(static_cast<size_t>(columns * kLanes));
    int64_t* rows = Scratch<int64_t, 2>(static_cast<size_t>(2 * columns + 4));
    bool any = false;
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      for (int64_t column = 0; column < columns; ++column) {
        const T value = lane < lanes ? load(lane, column) : T{0};
        any |= value != 0;
        f[column * kLanes + lane] = value;
      }
    }
    if (!any) {
      for (int64_t lane = 0; lane < lanes; ++lane) std::fill_n(to + lane * columns, columns, 0.0f);
      return;
    }
    LowerEnvelope(f, columns, axis.steps, rows, g);
    T* line = f;
    for (int64_t lane = 0; lane < lanes; ++lane) {
      for (int64_t column = 0; column < columns; ++column) line[column] = g[column * kLanes + lane];
      Finish(line, columns, far, plan.squared, to + lane * columns);
    }
  }

  void Run(float* out) const {
    if (plan.axes <= 1) return RunLines(out);
    if (plan.axes == 2) return RunRows(out);
    RunPlanes(out);
  }

  void RunLines(float* out) const {
    ParallelFor(plan.images * plan.pixels, 1 << 14, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int32_t steps = LoadSteps(out[i]);
        const T value = plan.axes == 1 ? Squared(out[i]) : (steps == 0 ? T{0} : far);
        out[i] = Finished(value, far, plan.squared);
      }
    });
  }

  void RunRows(float* out) const {
    const int64_t height = plan.size[0], width = plan.size[1];
    const int64_t groups = (height + kLanes - 1) / kLanes;
    ParallelFor(plan.images * groups, std::max<int64_t>(1, 256 / width), [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t row = (task % groups) * kLanes;
        float* at = out + (task / groups) * plan.pixels + row * width;
        AlongRows(
            axes[1], std::min(kLanes, height - row), width,
            [&](int64_t lane, int64_t column) { return Squared(at[lane * width + column]); }, at);
      }
    });
  }

  void RunPlanes(float* out) const {
    const int64_t height = plan.size[1], width = plan.size[2];
    ParallelFor(plan.images * plan.size[0], 1, [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane) {
        float* at = out + plane * height * width;
        T* squares = Scratch<T, 3>(static_cast<size_t>(height * width));
        for (int64_t column = 0; column < width; column += kLanes)
          DownColumns(at + column, std::min(kLanes, width - column), squares + column);
        for (int64_t row = 0; row < height; row += kLanes) {
          const T* from = squares + row * width;
          AlongRows(
              axes[2], std::min(kLanes, height - row), width,
              [&](int64_t lane, int64_t column) { return from[lane * width + column]; }, at + row * width);
        }
      }
    });
  }

  // The envelope down the columns of a plane: `lanes` neighbouring columns, steps in, squared distances out.
  void DownColumns(const float* from, int64_t lanes, T* to) const {
    const int64_t height = plan.size[1], width = plan.size[2];
    T* f = Scratch<T, 0>(static_cast<size_t>(height * kLanes));
    T* g = Scratch<T, 1>(static_cast<size_t>(height * kLanes));
    int64_t* rows = Scratch<int64_t, 2>(static_cast<size_t>(2 * height + 4));
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t lane = 0; lane < kLanes; ++lane)
        f[y * kLanes + lane] = lane < lanes ? Squared(from[y * width + lane]) : T{0};
    }
    LowerEnvelope(f, height, axes[1].steps, rows, g);
    for (int64_t y = 0; y < height; ++y) std::copy_n(g + y * kLanes, lanes, to + y * width);
  }
};

}  // namespace

DistancePlan MakePlan(int64_t images, const Grid& grid, const DistanceOptions& options) {
  DistancePlan plan{images, 0, {1, 1, 1}, {1, 1, 1}, grid.Pixels(), options.squared};
  for (int axis = 0; axis < grid.rank; ++axis) {
    Require(options.spacing[axis] > 0 && std::isfinite(options.spacing[axis]),
            "spacing: expected positive finite numbers, got ", options.spacing[axis]);
    Require(grid.size[axis] < kNoZeroOnLine, "size: expected at most 2^29 - 1 pixels per axis, got ",
            grid.size[axis]);
    if (grid.size[axis] == 1) continue;
    plan.size[plan.axes] = grid.size[axis];
    plan.spacing[plan.axes++] = options.spacing[axis];
  }
  return plan;
}

void FinishDistances(const DistancePlan& plan, float* out) {
  bool unit = true;
  for (int axis = 0; axis < plan.axes; ++axis) unit &= plan.spacing[axis] == 1;
  if (unit)
    Passes<int64_t>(plan).Run(out);
  else
    Passes<double>(plan).Run(out);
}

void FillWithoutZero(const Grid& grid, const DistanceOptions& options, std::span<const uint8_t> has_zero,
                     float* out) {
  const int64_t pixels = grid.Pixels();
  const auto [depth, height, width] = grid.DepthHeightWidth();
  std::array<double, 3> spacing{1, 1, 1};
  std::array<double, 3> before{0, 0,
                               0};  // the virtual point is one step before the image on its own first axis
  for (int axis = 0; axis < grid.rank; ++axis) spacing[3 - grid.rank + axis] = options.spacing[axis];
  before[3 - grid.rank] = 1;
  for (size_t image = 0; image < has_zero.size(); ++image) {
    if (has_zero[image]) continue;
    float* at = out + static_cast<int64_t>(image) * pixels;
    if (options.no_zero == NoZero::kInfinity) {
      std::fill_n(at, pixels, std::numeric_limits<float>::infinity());
      continue;
    }
    ParallelFor(depth * height, 64, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const double dz = (static_cast<double>(row / height) + before[0]) * spacing[0];
        const double dy = (static_cast<double>(row % height) + before[1]) * spacing[1];
        for (int64_t x = 0; x < width; ++x) {
          const double dx = (static_cast<double>(x) + before[2]) * spacing[2];
          const double square = dz * dz + dy * dy + dx * dx;
          at[row * width + x] = static_cast<float>(options.squared ? square : std::sqrt(square));
        }
      }
    });
  }
}

}  // namespace internal
}  // namespace pixelcal
