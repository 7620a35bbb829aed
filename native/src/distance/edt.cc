// Exact Euclidean distance transform, one pass per axis (Saito & Toriwaki 1994): steps along the slowest axis
// (distance/steps_loops.isa.cc), then the lower envelope of parabolas along each other axis
// (distance/lower_envelope.h). O(pixels log n) at worst, near O(pixels) for common masks.
//
// With unit spacing squares are integers: 16 bits, twice as many to a vector, and once more in 32 bits where
// a strip or plane shows that 16 do not suffice. Otherwise they are doubles, summed in SciPy's order. In two
// dimensions the first pass only finds the steps that cross the borders of strips of 32 rows; the steps
// within a strip are made when its envelope needs them, and never leave the cache. In three dimensions steps
// are bytes where the axis is short. Either way they wait in the memory of the result.
#include "distance/edt.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/parallel.h"
#include "base/scratch.h"

namespace pixelcal::internal {
namespace {

constexpr int64_t kSweepColumns = 256;    // of an image: whole cache lines, enough tasks
constexpr int64_t kVolumeColumns = 2048;  // of a volume
constexpr int64_t kStepRows = 65535;      // longest axis whose steps fit 16 bits, one value being "none"

// Whether squares needed 32 bits in the last strip or plane of this thread: a guess for the next one, which
// never changes a result.
thread_local bool expects_large = false;

int64_t RoundUp(int64_t n, int64_t step) { return (n + step - 1) / step * step; }

// Returns the centre of a table of squares for an axis of n pixels.
const double* Squares(double* memory, int64_t n, double spacing) {
  const int64_t reach = simd::SquaresReach(n);
  for (int64_t k = -reach; k <= reach; ++k) {
    const double length = static_cast<double>(k) * spacing;
    memory[reach + k] = length * length;
  }
  return memory + reach;
}

float Finished(double square, Form form) {
  return static_cast<float>(form == Form::kSquare ? square : std::sqrt(square));
}

}  // namespace

GridDistance::GridDistance(const Grid& grid, const std::array<double, 3>& spacing, Output output) {
  std::array<int64_t, 3> size{1, 1, 1};
  std::array<double, 3> length{1, 1, 1};
  int axes = 0;
  for (int axis = 0; axis < grid.rank; ++axis) {
    Require(spacing[axis] > 0 && std::isfinite(spacing[axis]),
            "spacing: expected positive finite numbers, got ", spacing[axis]);
    Require(grid.size[axis] < 1 << 29, "size: expected at most 2^29 - 1 pixels per axis, got ",
            grid.size[axis]);
    if (grid.size[axis] == 1) continue;
    size[axes] = grid.size[axis];
    length[axes++] = spacing[axis];
    integers_ &= spacing[axis] == 1;
    diagonal_ += static_cast<double>(grid.size[axis]) * static_cast<double>(grid.size[axis]);
  }
  integers_ &= diagonal_ < 7e8;  // "no site" is 2^30, and one more axis must fit: 2^30 + 7e8 < 2^31
  value_bytes_ = output == Output::kExact && !integers_ ? 8 : 4;
  // An image whose steps need more than 16 bits is a volume of planes of one row.
  if (axes == 2 && size[0] > kStepRows) {
    size = {size[0], 1, size[1]};
    length = {length[0], 1, length[1]};
    axes = 3;
  }
  for (int axis = 0; axis < axes; ++axis) {
    (axes - axis == 3 ? planes_ : axes - axis == 2 ? rows_ : columns_) = size[axis];
    spacing_[3 - axes + axis] = length[axis];
  }
  tile_rows_ = (rows_ + simd::kStripRows - 1) / simd::kStripRows;
  tile_columns_ = (columns_ + simd::kTileColumns - 1) / simd::kTileColumns;
  band_pixels_ = pixels();
  if (axes < 2) return;
  if (axes == 2) {
    sweep_columns_ = kSweepColumns;
    sweeps_ = (columns_ + sweep_columns_ - 1) / sweep_columns_;
    bands_ = tile_rows_;
    band_pixels_ = simd::kStripRows * columns_;
  } else {
    sweep_columns_ = kVolumeColumns;
    sweeps_ = (rows_ * columns_ + sweep_columns_ - 1) / sweep_columns_;
    bands_ = planes_;
    band_pixels_ = rows_ * columns_;
  }
  const int64_t reach = simd::SquaresReach(LongestEnvelope());
  if (integers_) {
    auto* squares = Scratch<uint32_t, struct SquareTable>(static_cast<size_t>(4 * reach + 2));
    squares16_ = squares + reach;
    squares32_ = squares + 3 * reach + 1;
    for (int64_t k = -reach; k <= reach; ++k) {
      squares[reach + k] = static_cast<uint32_t>(std::min<int64_t>(k * k, 65535)) * 0x10001u;
      squares[3 * reach + 1 + k] = static_cast<uint32_t>(k * k);
    }
  } else {
    auto* squares = Scratch<double, struct AxisSquares>(static_cast<size_t>(4 * reach + 2));
    row_squares_ = Squares(squares, planes_ > 1 ? rows_ : 1, spacing_[1]);
    column_squares_ = Squares(squares + 2 * reach + 1, columns_, spacing_[2]);
  }
}

int GridDistance::StepBytes() const { return planes_ <= 254 ? 1 : planes_ <= kStepRows ? 2 : 4; }

void GridDistance::Sweep(const Sites& sites, int64_t i, void* out) const {
  const int64_t first = i * sweep_columns_;
  if (planes_ > 1) {
    const int64_t plane = rows_ * columns_, count = std::min(sweep_columns_, plane - first);
    const auto& loops = StepsLoops();
    const auto sweep = StepBytes() == 1 ? loops.volume8 : StepBytes() == 2 ? loops.volume16 : loops.volume32;
    sweep({sites.bytes + first, sites.value, sites.equal}, planes_, plane, count,
          static_cast<uint8_t*>(out) + first * StepBytes(), value_bytes_ * plane);
  } else if (rows_ > 1) {
    StepsLoops().strip_borders(sites, rows_, columns_, first, std::min(first + sweep_columns_, columns_),
                               static_cast<uint16_t*>(out), value_bytes_ / 2 * band_pixels_);
  }
}

void GridDistance::Finish(const Sites& sites, int64_t i, Form form, void* out, const uint8_t* wanted) const {
  auto* band = static_cast<uint8_t*>(out) + value_bytes_ * band_begin(i);
  if (planes_ > 1)
    FinishPlane(form, band, wanted ? wanted + i * tile_rows_ * tile_columns_ : nullptr);
  else if (rows_ > 1)
    FinishStrip(sites, i, form, band, wanted ? wanted + i * tile_columns_ : nullptr);
  else
    FinishLine(sites, form, out);
}

void GridDistance::FinishLine(const Sites& sites, Form form, void* out) const {
  auto* to = Scratch<int32_t, struct LineSteps>(static_cast<size_t>(columns_));
  int32_t steps = 1 << 29;
  for (int64_t i = 0; i < columns_; ++i)
    to[i] = steps = (sites.bytes[i] == sites.value) == sites.equal ? 0 : steps + 1;
  for (int64_t i = columns_ - 1; i >= 0; --i) {
    to[i] = steps = std::min(to[i], steps + 1);
    const double length = static_cast<double>(steps) * spacing_[2];
    if (form == Form::kInteger)
      static_cast<int32_t*>(out)[i] = static_cast<int32_t>(length * length);
    else if (form == Form::kDouble)
      static_cast<double*>(out)[i] = length * length;
    else
      static_cast<float*>(out)[i] = Finished(length * length, form);
  }
}

uint8_t* GridDistance::EnvelopeScratch() const {
  return Scratch<uint8_t, struct Envelope>(static_cast<size_t>(simd::EnvelopeBytes(LongestEnvelope())));
}

simd::RowsTask GridDistance::TaskOf(int64_t rows, const void* squares, Form form, void* out,
                                    const uint8_t* wanted) const {
  return {.rows = rows,
          .columns = columns_,
          .from_stride = RoundUp(columns_, simd::kStripRows),
          .squares = squares,
          .spacing = spacing_[2],
          .step = spacing_[1],
          .scratch = EnvelopeScratch(),
          .out = out,
          .out_stride = columns_,
          .form = form,
          .large = diagonal_ >= 1 << 24,
          .wanted = wanted};
}

// Finishes the tiles of a strip that are wanted, run by run, with the columns within reach of each.
void GridDistance::FinishRuns(const uint16_t* steps, const simd::RowsTask& strip) const {
  const int64_t beside = (strip.reach + simd::kTileColumns - 1) / simd::kTileColumns;
  for (int64_t tile = 0; tile < tile_columns_; ++tile) {
    if (!strip.wanted[tile]) continue;
    int64_t last = tile;
    for (int64_t next = tile + 1; next < tile_columns_ && next <= last + 2 * beside + 1; ++next)
      if (strip.wanted[next]) last = next;
    const int64_t first = std::max<int64_t>(0, tile - beside), begin = first * simd::kTileColumns,
                  end = std::min(columns_, (last + beside + 1) * simd::kTileColumns);
    simd::RowsTask task = strip;
    task.columns = end - begin;
    task.out = static_cast<float*>(strip.out) + begin;
    task.wanted = strip.wanted + first;
    if (integers_)
      EnvelopeLoops().rows16_of_steps(steps + begin, task);
    else
      EnvelopeLoops().rows64_of_steps(steps + begin, task);
    tile = last;
  }
}

void GridDistance::FinishStrip(const Sites& sites, int64_t strip, Form form, void* out, const uint8_t* wanted,
                               int32_t reach) const {
  const int64_t first = strip * simd::kStripRows, rows = std::min(simd::kStripRows, rows_ - first);
  simd::RowsTask task = TaskOf(rows, squares16_, form, out, wanted);
  auto* steps =
      Scratch<uint16_t, struct StripSteps>(static_cast<size_t>(simd::kStripRows * task.from_stride));
  const auto* borders = static_cast<const uint16_t*>(out);
  StepsLoops().strip({sites.bytes + first * columns_, sites.value, sites.equal}, rows, columns_, borders,
                     borders + columns_, steps, task.from_stride);
  if (!integers_) task.squares = column_squares_;
  if (reach > 0) {
    task.reach = reach;
    return FinishRuns(steps, task);
  }
  if (!integers_) return EnvelopeLoops().rows64_of_steps(steps, task);
  const bool may_be_large = diagonal_ >= 65535;
  if (!(may_be_large && expects_large) && EnvelopeLoops().rows16_of_steps(steps, task)) return;
  task.squares = squares32_;
  expects_large = EnvelopeLoops().rows32_of_steps(steps, task) >= 65535;
}

template <class Body>
bool GridDistance::ForStrips(const void* squares, Form form, void* out, const uint8_t* wanted,
                             const Body& body) const {
  for (int64_t row = 0; row < rows_; row += simd::kStripRows) {
    const simd::RowsTask task = TaskOf(std::min(simd::kStripRows, rows_ - row), squares, form,
                                       static_cast<uint8_t*>(out) + row * columns_ * value_bytes_,
                                       wanted ? wanted + row / simd::kStripRows * tile_columns_ : nullptr);
    if (!body(row * task.from_stride, task)) return false;
  }
  return true;
}

void GridDistance::FinishPlane(Form form, void* out, const uint8_t* wanted) const {
  const int64_t stride = RoundUp(columns_, simd::kStripRows);
  const auto padded = static_cast<size_t>(stride * (rows_ + 8)),
             plane = static_cast<size_t>(rows_ * columns_);
  const auto& loops = EnvelopeLoops();
  simd::ColumnsTask task{.rows = rows_,
                         .columns = columns_,
                         .squares = row_squares_,
                         .spacing = spacing_[1],
                         .step = spacing_[0],
                         .scratch = EnvelopeScratch(),
                         .to_stride = stride};
  if (!integers_) {
    auto* to = Scratch<double, struct PlaneColumns>(padded);
    if (StepBytes() == 1)
      loops.columns64_of_steps8(static_cast<const uint8_t*>(out), task, to);
    else if (StepBytes() == 2)
      loops.columns64_of_steps16(static_cast<const uint16_t*>(out), task, to);
    else
      loops.columns64_of_steps32(static_cast<const uint32_t*>(out), task, to);
    ForStrips(column_squares_, form, out, wanted, [&](int64_t at, const simd::RowsTask& strip) {
      loops.rows64(to + at, strip);
      return true;
    });
    return;
  }
  const bool may_be_large = diagonal_ >= 65535, bytes = StepBytes() == 1;
  const void* steps = out;
  if (may_be_large) {
    // The rows overwrite the steps before it is known whether they were right, hence the copy.
    steps = std::memcpy(Scratch<uint16_t, struct PlaneSteps>(plane), out, plane * (bytes ? 1 : 2));
  }
  if (!(may_be_large && expects_large)) {
    auto* to = Scratch<uint16_t, struct PlaneColumns>(padded);
    task.squares = squares16_;
    if (bytes)
      loops.columns16_of_steps8(static_cast<const uint8_t*>(steps), task, to);
    else
      loops.columns16_of_steps16(static_cast<const uint16_t*>(steps), task, to);
    const bool fits = ForStrips(squares16_, form, out, wanted, [&](int64_t at, const simd::RowsTask& strip) {
      return loops.rows16(to + at, strip);
    });
    if (fits) return;
  }
  auto* to = Scratch<int32_t, struct PlaneColumns>(padded);
  task.squares = squares32_;
  if (bytes)
    loops.columns32_of_steps8(static_cast<const uint8_t*>(steps), task, to);
  else
    loops.columns32_of_steps16(static_cast<const uint16_t*>(steps), task, to);
  int32_t largest = 0;
  ForStrips(squares32_, form, out, wanted, [&](int64_t at, const simd::RowsTask& strip) {
    largest = std::max(largest, loops.rows32(to + at, strip));
    return true;
  });
  expects_large = largest >= 65535;
}

void FillWithoutZero(const Grid& grid, const DistanceOptions& options, float* out) {
  const int64_t pixels = grid.Pixels();
  if (options.no_zero == NoZero::kInfinity) {
    std::fill_n(out, pixels, std::numeric_limits<float>::infinity());
    return;
  }
  const std::array<int64_t, 3> sides = grid.DepthHeightWidth();
  const int64_t depth = sides[0], height = sides[1], width = sides[2];
  std::array<double, 3> spacing{1, 1, 1};
  // The virtual point is one step before the image on the image's own first axis.
  std::array<double, 3> before{0, 0, 0};
  for (int axis = 0; axis < grid.rank; ++axis) spacing[3 - grid.rank + axis] = options.spacing[axis];
  before[3 - grid.rank] = 1;
  ParallelFor(depth * height, Grain(width), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const double dz = (static_cast<double>(row / height) + before[0]) * spacing[0];
      const double dy = (static_cast<double>(row % height) + before[1]) * spacing[1];
      for (int64_t x = 0; x < width; ++x) {
        const double dx = (static_cast<double>(x) + before[2]) * spacing[2];
        out[row * width + x] =
            Finished(dz * dz + dy * dy + dx * dx, options.squared ? Form::kSquare : Form::kRoot);
      }
    }
  });
}

}  // namespace pixelcal::internal
