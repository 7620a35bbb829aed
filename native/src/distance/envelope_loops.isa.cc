// The second and third pass of the distance transform: lower envelopes down the columns (neighbouring columns
// are neighbouring lanes) and along the rows (transposed tile by tile on the way in and out).
#include "distance/envelope_loops.h"

#include "distance/lower_envelope.h"
#include "simd/root.h"
#include "simd/transpose.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

static_assert(kLines == kStripRows);

PIXELCAL_INLINE Vec<uint16_t> SquaresOf(Vec<uint16_t> steps) {
  return steps * steps | (Vec<uint16_t>)(steps > uint16_t{255});
}
PIXELCAL_INLINE Vec<int32_t> SquaresOf(Vec<uint32_t> steps, uint32_t none) {
  return steps == none ? Splat(Number<int32_t>::kFar) : (Vec<int32_t>)(steps * steps);
}

template <class T, class Task>
PIXELCAL_INLINE Lines<T> LinesIn(int64_t n, const Task& task) {
  const int64_t padded = (n + kTileColumns - 1) / kTileColumns * kTileColumns, blocks = padded / kRows;
  auto* f = reinterpret_cast<T*>(task.scratch);
  for (int64_t i = n * kLines; i < padded * kLines; i += kLanesOf<T>) Store(f + i, Splat(Number<T>::kFar));
  auto* least = reinterpret_cast<typename Number<T>::Bound*>(f + padded * kLines);
  auto* rows = reinterpret_cast<int32_t*>(least + blocks);
  const auto* squares = static_cast<const typename Number<T>::Entry*>(task.squares);
  return {f, n, squares, task.spacing, least, rows, rows + blocks, rows + 2 * blocks};
}

PIXELCAL_INLINE double SquareOf(uint32_t steps, uint32_t none, double step) {
  const double length = steps * step;
  return steps == none ? Number<double>::kFar : length * length;
}

// Loads kTile rows of kTile values into the lanes of f; in 16 bits two rows share a 32-bit lane.
PIXELCAL_INLINE Vec<int32_t> Packed(const uint16_t* const* rows, int row, int64_t x, bool of_steps,
                                    uint16_t) {
  const auto both = (Vec<uint16_t>)(Widen(rows[row] + x) | Widen(rows[row + kLines / 2] + x) << 16);
  return (Vec<int32_t>)(of_steps ? SquaresOf(both) : both);
}
PIXELCAL_INLINE Vec<int32_t> Packed(const uint16_t* const* rows, int row, int64_t x, bool, int32_t) {
  return SquaresOf(Widen(rows[row] + x), 65535);
}
PIXELCAL_INLINE Vec<int32_t> Packed(const int32_t* const* rows, int row, int64_t x, bool, int32_t) {
  return Load(rows[row] + x);
}

// Fills f[x][lane] from up to kLines rows; a missing row repeats the last one.
template <class T, class Source>
PIXELCAL_INLINE void Interleave(const Source* from, const RowsTask& task, bool of_steps, T* f) {
  const Source* rows[kLines];
  for (int row = 0; row < kLines; ++row)
    rows[row] = from + (row < task.rows ? row : task.rows - 1) * task.from_stride;
  constexpr int kLanes = kLines * sizeof(T) / 4;  // 32-bit lanes per row of f
  for (int64_t x = 0; x < task.columns; x += kTile) {
    for (int lane = 0; lane < kLanes; lane += kTile) {
      Vec<int32_t> tile[kTile];
#pragma GCC unroll 16
      for (int row = 0; row < kTile; ++row) tile[row] = Packed(rows, lane + row, x, of_steps, T{});
      Transpose(tile);
      auto* to = reinterpret_cast<int32_t*>(f + x * kLines) + lane;
#pragma GCC unroll 16
      for (int row = 0; row < kTile; ++row) Store(to + row * kLanes, tile[row]);
    }
  }
}

PIXELCAL_INLINE void Interleave(const uint16_t* from, const RowsTask& task, bool, double* f) {
  for (int64_t row = 0; row < kLines; ++row) {
    const uint16_t* steps = from + (row < task.rows ? row : task.rows - 1) * task.from_stride;
    for (int64_t x = 0; x < task.columns; ++x) f[x * kLines + row] = SquareOf(steps[x], 65535, task.step);
  }
}

PIXELCAL_INLINE void Interleave(const double* from, const RowsTask& task, bool, double* f) {
  // Columns are taken in blocks, so that a cache line of f is filled before it leaves the cache.
  constexpr int64_t kBlock = 8;
  for (int64_t first = 0; first < task.columns; first += kBlock) {
    const int64_t last = first + kBlock < task.columns ? first + kBlock : task.columns;
    for (int64_t row = 0; row < kLines; ++row) {
      const double* squares = from + (row < task.rows ? row : task.rows - 1) * task.from_stride;
      for (int64_t x = first; x < last; ++x) f[x * kLines + row] = squares[x];
    }
  }
}

template <Form kForm>
PIXELCAL_INLINE void WriteSquares(Vec<int32_t> squares, bool large, int32_t* to) {
  if constexpr (kForm != Form::kInteger) {
    Vec<float> values = __builtin_convertvector(squares, Vec<float>);
    if (kForm == Form::kRoot && large) {
      // From 2^24 on an integer may not be a float, so the root is taken in double.
      for (int lane = 0; lane < kLanesOf<float>; ++lane)
        values[lane] = static_cast<float>(__builtin_sqrt(static_cast<double>(squares[lane])));
    } else if (kForm == Form::kRoot) {
      values = Root(values);
    }
    squares = (Vec<int32_t>)values;
  }
  Store(to, squares);
}

// Turns a tile of kTileColumns x kLines squares back into rows.
template <Form kForm>
void WriteTile(const uint16_t* tile, bool, int32_t* out, int64_t out_stride) {
  for (int row = 0; row < kLines / 2; row += kTile) {
    for (int64_t x = 0; x < kTileColumns; x += kTile) {
      Vec<int32_t> v[kTile];
#pragma GCC unroll 16
      for (int i = 0; i < kTile; ++i) v[i] = (Vec<int32_t>)Load(tile + (x + i) * kLines + 2 * row);
      Transpose(v);
      int32_t* low = out + row * out_stride + x;
      int32_t* high = low + kLines / 2 * out_stride;
#pragma GCC unroll 16
      for (int i = 0; i < kTile; ++i) {
        WriteSquares<kForm>(v[i] & 0xffff, false, low + i * out_stride);
        WriteSquares<kForm>((Vec<int32_t>)((Vec<uint32_t>)v[i] >> 16), false, high + i * out_stride);
      }
    }
  }
}

template <Form kForm>
void WriteTile(const int32_t* tile, bool large, int32_t* out, int64_t out_stride) {
  for (int row = 0; row < kLines; row += kTile) {
    for (int64_t x = 0; x < kTileColumns; x += kTile) {
      Vec<int32_t> v[kTile];
#pragma GCC unroll 16
      for (int i = 0; i < kTile; ++i) v[i] = Load(tile + (x + i) * kLines + row);
      Transpose(v);
#pragma GCC unroll 16
      for (int i = 0; i < kTile; ++i) WriteSquares<kForm>(v[i], large, out + (row + i) * out_stride + x);
    }
  }
}

template <class T>
void WriteTile(const T* tile, Form form, bool large, int32_t* out, int64_t out_stride) {
  switch (form) {
    case Form::kRoot:
      return WriteTile<Form::kRoot>(tile, large, out, out_stride);
    case Form::kSquare:
      return WriteTile<Form::kSquare>(tile, large, out, out_stride);
    case Form::kInteger:
    case Form::kDouble:
      return WriteTile<Form::kInteger>(tile, large, out, out_stride);
  }
}

// In double the tile gets its form before it is transposed.
void WriteTile(const double* tile, Form form, bool, int32_t* out, int64_t out_stride) {
  float values[kTileColumns * kLines];
  if (form == Form::kSquare) {
    for (int i = 0; i < kTileColumns * kLines; ++i) values[i] = static_cast<float>(tile[i]);
  } else {
    for (int i = 0; i < kTileColumns * kLines; ++i) values[i] = static_cast<float>(__builtin_sqrt(tile[i]));
  }
  int32_t bits[kTileColumns * kLines];
  memcpy(bits, values, sizeof bits);
  WriteTile<Form::kInteger>(bits, false, out, out_stride);
}

void WriteTile(const double* tile, Form, bool, double* out, int64_t out_stride) {
  for (int row = 0; row < kLines; ++row)
    for (int64_t x = 0; x < kTileColumns; ++x) out[row * out_stride + x] = tile[x * kLines + row];
}

// Out is double for Form::kDouble, else the 4 bytes of an int32_t or a float.
template <class Out, class T>
typename Number<T>::Bound Rows(const Lines<T>& lines, const RowsTask& task) {
  Bound(lines);
  FindWindows(lines);
  alignas(kVectorBytes) T tile[kTileColumns * kLines];
  Out part[kLines * kTileColumns];
  Vec<T> most = Splat(T{0});
  for (int64_t x = 0; x < task.columns; x += kTileColumns) {
    if (task.wanted && !task.wanted[x / kTileColumns]) continue;
    auto* out = static_cast<Out*>(task.out) + x;
    const int64_t columns = task.columns - x < kTileColumns ? task.columns - x : kTileColumns;
    const int64_t block = x / kRows;
    const bool second = columns > kRows;
    if (lines.reach[block] == 0 && (!second || lines.reach[block + 1] == 0)) {
      if (columns == kTileColumns) {
        for (int64_t row = 0; row < task.rows; ++row)
          memset(out + row * task.out_stride, 0, kTileColumns * sizeof(Out));
      } else {
        for (int64_t row = 0; row < task.rows; ++row)
          memset(out + row * task.out_stride, 0, static_cast<size_t>(columns) * sizeof(Out));
      }
      continue;
    }
    EnvelopeBlock(lines, block, tile, kLines);
    if (second) EnvelopeBlock(lines, block + 1, tile + kRows * kLines, kLines);
    for (int64_t i = 0; i < columns * kLines; i += kLanesOf<T>) most = Most(most, Load(tile + i));
    if (sizeof(T) == 2 && task.reach == 0 && MostLane(most) == Number<T>::kFar) return Number<T>::kFar;
    if (columns == kTileColumns && task.rows == kLines) {
      WriteTile(tile, task.form, task.large, out, task.out_stride);
    } else {
      WriteTile(tile, task.form, task.large, part, kTileColumns);
      for (int64_t row = 0; row < task.rows; ++row)
        memcpy(out + row * task.out_stride, part + row * kTileColumns,
               static_cast<size_t>(columns) * sizeof(Out));
    }
  }
  return MostLane(most);
}

template <class T, class Source>
PIXELCAL_INLINE typename Number<T>::Bound RowsFrom(const Source* from, const RowsTask& task, bool of_steps) {
  // The lines after the last column are filled after the tiles, which may write there.
  Interleave(from, task, of_steps, reinterpret_cast<T*>(task.scratch));
  Lines<T> lines = LinesIn<T>(task.columns, task);
  lines.wanted = task.wanted;
  if (task.reach > 0) lines.most_reach = lines.near_reach = task.reach;
  if constexpr (sizeof(T) == 8)
    if (task.form == Form::kDouble) return Rows<double>(lines, task);
  return Rows<int32_t>(lines, task);
}

bool Rows16OfSteps(const uint16_t* steps, const RowsTask& task) {
  return RowsFrom<uint16_t>(steps, task, true) < Number<uint16_t>::kFar;
}
bool Rows16(const uint16_t* squares, const RowsTask& task) {
  return RowsFrom<uint16_t>(squares, task, false) < Number<uint16_t>::kFar;
}
int32_t Rows32OfSteps(const uint16_t* steps, const RowsTask& task) {
  return static_cast<int32_t>(RowsFrom<int32_t>(steps, task, true));
}
int32_t Rows32(const int32_t* squares, const RowsTask& task) {
  return static_cast<int32_t>(RowsFrom<int32_t>(squares, task, false));
}
void Rows64OfSteps(const uint16_t* steps, const RowsTask& task) { RowsFrom<double>(steps, task, true); }
void Rows64(const double* squares, const RowsTask& task) { RowsFrom<double>(squares, task, false); }

PIXELCAL_INLINE void LoadColumns(const uint8_t* steps, double, uint16_t* f) {
  for (int i = 0; i < kLines; i += kLanesOf<uint16_t>) {
    const Vec<uint16_t> wide = Widen(steps + i);
    Store(f + i, wide * wide | (Vec<uint16_t>)(wide == uint16_t{255}));
  }
}
PIXELCAL_INLINE void LoadColumns(const uint16_t* steps, double, uint16_t* f) {
  for (int i = 0; i < kLines; i += kLanesOf<uint16_t>) Store(f + i, SquaresOf(Load(steps + i)));
}
PIXELCAL_INLINE void LoadColumns(const uint16_t* steps, double, int32_t* f) {
  for (int i = 0; i < kLines; i += kLanesOf<int32_t>) Store(f + i, SquaresOf(Widen(steps + i), 65535));
}
PIXELCAL_INLINE void LoadColumns(const uint8_t* steps, double, int32_t* f) {
  for (int i = 0; i < kLines; ++i) f[i] = steps[i] == 255 ? Number<int32_t>::kFar : steps[i] * steps[i];
}

template <class Step>
PIXELCAL_INLINE void LoadColumns(const Step* steps, double step, double* f) {
  for (int i = 0; i < kLines; ++i) f[i] = SquareOf(steps[i], static_cast<Step>(~Step{0}), step);
}

template <class T, class Step>
void Columns(const Step* steps, const ColumnsTask& task, T* to) {
  const Lines<T> lines = LinesIn<T>(task.rows, task);
  auto* f = reinterpret_cast<T*>(task.scratch);
  for (int64_t column = 0; column < task.columns; column += kLines) {
    // The last lanes may repeat some columns; a narrow plane repeats its last column.
    const int64_t x = column + kLines <= task.columns ? column
                      : task.columns > kLines         ? task.columns - kLines
                                                      : 0;
    for (int64_t row = 0; row < task.rows; ++row) {
      const Step* from = steps + row * task.columns;
      if (task.columns >= kLines) {
        LoadColumns(from + x, task.step, f + row * kLines);
      } else {
        Step narrow[kLines];
        for (int i = 0; i < kLines; ++i) narrow[i] = from[i < task.columns ? i : task.columns - 1];
        LoadColumns(narrow, task.step, f + row * kLines);
      }
    }
    Bound(lines);
    FindWindows(lines);
    for (int64_t block = 0; block < lines.Blocks(); ++block)
      EnvelopeBlock(lines, block, to + block * kRows * task.to_stride + x, task.to_stride);
  }
}

}  // namespace

extern const EnvelopeTable kEnvelope;
const EnvelopeTable kEnvelope{Rows16OfSteps,
                              Rows16,
                              Rows32OfSteps,
                              Rows32,
                              Rows64OfSteps,
                              Rows64,
                              Columns<uint16_t, uint8_t>,
                              Columns<uint16_t, uint16_t>,
                              Columns<int32_t, uint8_t>,
                              Columns<int32_t, uint16_t>,
                              Columns<double, uint8_t>,
                              Columns<double, uint16_t>,
                              Columns<double, uint32_t>};

}  // namespace pixelcal::simd::PIXELCAL_ISA
