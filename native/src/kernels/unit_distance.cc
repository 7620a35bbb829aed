// Exact Euclidean distance transform of unit spacing, one pass per axis (Saito & Toriwaki 1994): steps along
// the slowest axis (simd/steps.isa.cc), then the lower envelope of parabolas along each other axis
// (simd/lower_envelope.h). O(pixels log n) at worst, near O(pixels) for masks as they occur.
//
// Squares are computed in 16 bits, twice as many to a vector, and once more in 32 bits where a strip or plane
// shows that they do not suffice. In two dimensions the first pass only finds what crosses the borders of
// strips of 32 rows; the steps within a strip are made when its envelope needs them, and never leave the
// cache. In three dimensions steps are bytes where the axis is short. Either way they wait in the memory of
// the result.
#include "kernels/unit_distance.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "scratch.h"

namespace pixelcal::internal {
namespace {

constexpr int64_t kSweepColumns = 256;    // of an image: whole cache lines, enough tasks
constexpr int64_t kVolumeColumns = 2048;  // of a volume
constexpr int64_t kByteSteps = 254;       // longest axis whose steps fit a byte, one value being "none"

// Whether squares needed 32 bits where this thread looked last: a guess for its next strip or plane, which
// never changes a result.
thread_local bool expects_large = false;

int64_t RoundUp(int64_t n, int64_t step) { return (n + step - 1) / step * step; }

float Finished(int64_t square, Form form) {
  return static_cast<float>(form == Form::kSquare ? static_cast<double>(square)
                                                  : std::sqrt(static_cast<double>(square)));
}

}  // namespace

bool UnitDistance::Covers(const Grid& grid, const std::array<double, 3>& spacing) {
  double diagonal = 0;
  for (int axis = 0; axis < grid.rank; ++axis) {
    if (grid.size[axis] == 1) continue;
    if (spacing[axis] != 1) return false;
    diagonal += static_cast<double>(grid.size[axis]) * static_cast<double>(grid.size[axis]);
  }
  return diagonal < 7e8;  // "no site" is 2^30, and one more axis must fit: 2^30 + 7e8 < 2^31
}

UnitDistance::UnitDistance(const Grid& grid) {
  std::array<int64_t, 3> size{1, 1, 1};
  int axes = 0;
  diagonal_ = 0;
  for (int axis = 0; axis < grid.rank; ++axis) {
    if (grid.size[axis] == 1) continue;
    size[axes++] = grid.size[axis];
    diagonal_ += (grid.size[axis] - 1) * (grid.size[axis] - 1);
  }
  columns_ = axes == 0 ? 1 : size[axes - 1];
  if (axes >= 2) rows_ = size[axes - 2];
  if (axes == 3) planes_ = size[0];
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
  const int64_t reach = simd::SquaresReach(axes == 2 ? columns_ : std::max(rows_, columns_));
  auto* squares = Scratch<uint32_t, 6>(static_cast<size_t>(4 * reach + 2));
  for (int64_t k = -reach; k <= reach; ++k) {
    squares[reach + k] = static_cast<uint32_t>(std::min<int64_t>(k * k, 65535)) * 0x10001u;
    squares[3 * reach + 1 + k] = static_cast<uint32_t>(k * k);
  }
  squares16_ = squares + reach;
  squares32_ = squares + 3 * reach + 1;
}

void UnitDistance::Sweep(const Sites& sites, int64_t i, void* out) const {
  const int64_t first = i * sweep_columns_;
  if (planes_ > 1) {
    const int64_t plane = rows_ * columns_, count = std::min(sweep_columns_, plane - first);
    const Sites from{sites.bytes + first, sites.value, sites.equal};
    auto* steps = static_cast<uint8_t*>(out) + first * (planes_ <= kByteSteps ? 1 : 2);
    (planes_ <= kByteSteps ? StepsLoops().volume8 : StepsLoops().volume16)(from, planes_, plane, count, steps,
                                                                           4 * plane);
  } else if (rows_ > 1) {
    StepsLoops().strip_borders(sites, rows_, columns_, first, std::min(first + sweep_columns_, columns_),
                               static_cast<uint16_t*>(out), 2 * band_pixels_);
  }
}

void UnitDistance::Finish(const Sites& sites, int64_t i, Form form, void* out, const uint8_t* wanted) const {
  auto* band = static_cast<uint8_t*>(out) + 4 * band_begin(i);
  if (planes_ > 1)
    FinishPlane(form, band, wanted ? wanted + i * tile_rows_ * tile_columns_ : nullptr);
  else if (rows_ > 1)
    FinishStrip(sites, i, form, band, wanted ? wanted + i * tile_columns_ : nullptr);
  else
    FinishLine(sites, form, out);
}

void UnitDistance::FinishLine(const Sites& sites, Form form, void* out) const {
  auto* to = Scratch<int32_t, 6>(static_cast<size_t>(columns_));
  int32_t steps = 1 << 29;
  for (int64_t i = 0; i < columns_; ++i)
    to[i] = steps = (sites.bytes[i] == sites.value) == sites.equal ? 0 : steps + 1;
  for (int64_t i = columns_ - 1; i >= 0; --i) {
    to[i] = steps = std::min(to[i], steps + 1);
    const int64_t square = int64_t{steps} * steps;
    if (form == Form::kInteger)
      static_cast<int32_t*>(out)[i] = static_cast<int32_t>(square);
    else
      static_cast<float*>(out)[i] = Finished(square, form);
  }
}

void UnitDistance::FinishStrip(const Sites& sites, int64_t strip, Form form, void* out,
                               const uint8_t* wanted) const {
  const int64_t first = strip * simd::kStripRows, rows = std::min(simd::kStripRows, rows_ - first);
  const int64_t stride = RoundUp(columns_, simd::kStripRows);
  auto* steps = Scratch<uint16_t, 6>(static_cast<size_t>(simd::kStripRows * stride));
  const auto* borders = static_cast<const uint16_t*>(out);
  StepsLoops().strip({sites.bytes + first * columns_, sites.value, sites.equal}, rows, columns_, borders,
                     borders + columns_, steps, stride);
  simd::RowsTask task{rows,
                      columns_,
                      stride,
                      squares16_,
                      Scratch<uint8_t, 6>(static_cast<size_t>(simd::EnvelopeBytes(columns_))),
                      out,
                      columns_,
                      form,
                      diagonal_ >= 1 << 24,
                      wanted};
  const bool may_be_large = diagonal_ >= 65535;
  if (!(may_be_large && expects_large) && EnvelopeLoops().rows16_of_steps(steps, task)) return;
  task.squares = squares32_;
  expects_large = EnvelopeLoops().rows32_of_steps(steps, task) >= 65535;
}

void UnitDistance::FinishPlane(Form form, void* out, const uint8_t* wanted) const {
  const int64_t stride = RoundUp(columns_, simd::kStripRows), plane = rows_ * columns_;
  const bool bytes = planes_ <= kByteSteps, may_be_large = diagonal_ >= 65535;
  auto* squares = Scratch<int32_t, 7>(static_cast<size_t>(stride * (rows_ + 8)));
  auto* scratch = Scratch<uint8_t, 6>(static_cast<size_t>(simd::EnvelopeBytes(std::max(rows_, columns_))));
  const void* steps = out;
  if (may_be_large) {
    // The rows write over the steps before it is known whether they were right.
    const size_t size = static_cast<size_t>(plane) * (bytes ? 1 : 2);
    steps = std::memcpy(Scratch<uint16_t, 7>(static_cast<size_t>(plane)), out, size);
  }
  const auto& loops = EnvelopeLoops();
  const auto strips = [&](auto* from, auto rows_of, const uint32_t* table, const auto& keep_on) {
    for (int64_t row = 0; row < rows_; row += simd::kStripRows) {
      const simd::RowsTask task{std::min(simd::kStripRows, rows_ - row),
                                columns_,
                                stride,
                                table,
                                scratch,
                                static_cast<int32_t*>(out) + row * columns_,
                                columns_,
                                form,
                                diagonal_ >= 1 << 24,
                                wanted ? wanted + row / simd::kStripRows * tile_columns_ : nullptr};
      if (!keep_on(rows_of(from + row * stride, task))) return false;
    }
    return true;
  };
  simd::ColumnsTask task{rows_, columns_, squares16_, scratch, stride};
  if (!(may_be_large && expects_large)) {
    auto* small = Scratch<uint16_t, 8>(static_cast<size_t>(stride * (rows_ + 8)));
    if (bytes)
      loops.columns16_of_steps8(static_cast<const uint8_t*>(steps), task, small);
    else
      loops.columns16_of_steps16(static_cast<const uint16_t*>(steps), task, small);
    if (strips(small, loops.rows16, squares16_, [](bool fits) { return fits; })) return;
  }
  task.squares = squares32_;
  if (bytes)
    loops.columns32_of_steps8(static_cast<const uint8_t*>(steps), task, squares);
  else
    loops.columns32_of_steps16(static_cast<const uint16_t*>(steps), task, squares);
  int32_t largest = 0;
  strips(squares, loops.rows32, squares32_, [&](int32_t most) {
    largest = std::max(largest, most);
    return true;
  });
  expects_large = largest >= 65535;
}

void SquaredDistances(const UnitDistance& transform, const Sites& sites, int32_t* out,
                      const uint8_t* wanted) {
  for (int64_t i = 0; i < transform.sweeps(); ++i) transform.Sweep(sites, i, out);
  for (int64_t i = 0; i < transform.bands(); ++i) transform.Finish(sites, i, Form::kInteger, out, wanted);
}

}  // namespace pixelcal::internal
