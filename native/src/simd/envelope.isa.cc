// Second and third pass of the distance transform: lower envelopes down the columns (neighbouring columns are
// neighbouring lanes as they are) and along the rows (transposed tile by tile on the way in and out).
#include "simd/envelope.h"

#include "simd/lower_envelope.h"
#include "simd/root.h"
#include "simd/transpose.h"

namespace pixelcal::simd::PIXELCAL_ISA {
namespace {

static_assert(kLines == kStripRows);

PIXELCAL_INLINE Vec<uint16_t> SquaresOf(Vec<uint16_t> steps) {
  return steps * steps | (Vec<uint16_t>)(steps > uint16_t{255});
}
PIXELCAL_INLINE Vec<int32_t> SquaresOf(Vec<int32_t> steps, int32_t none) {
  return steps == none ? Splat(Far<int32_t>::kValue) : steps * steps;
}

template <class T>
PIXELCAL_INLINE Lines<T> LinesIn(uint8_t* scratch, int64_t n, const uint32_t* squares) {
  const int64_t padded = (n + kTileColumns - 1) / kTileColumns * kTileColumns;
  auto* bounds = reinterpret_cast<int32_t*>(scratch + padded * kLines * static_cast<int64_t>(sizeof(T)));
  const int64_t blocks = padded / kRows;
  auto* f = reinterpret_cast<T*>(scratch);
  for (int64_t i = n * kLines; i < padded * kLines; i += kLanesOf<T>) Store(f + i, Splat(Far<T>::kValue));
  return {f, n, squares, bounds, bounds + blocks, bounds + 2 * blocks, bounds + 3 * blocks};
}

// kTile rows of kTile values as they go into the lanes of f; two rows share a 32-bit lane in 16 bits.
PIXELCAL_INLINE Vec<int32_t> Packed(const uint16_t* const* rows, int row, int64_t x, bool of_steps,
                                    uint16_t) {
  const auto both = (Vec<uint16_t>)(Widen(rows[row] + x) | Widen(rows[row + kLines / 2] + x) << 16);
  return (Vec<int32_t>)(of_steps ? SquaresOf(both) : both);
}
PIXELCAL_INLINE Vec<int32_t> Packed(const uint16_t* const* rows, int row, int64_t x, bool, int32_t) {
  return SquaresOf((Vec<int32_t>)Widen(rows[row] + x), 65535);
}
PIXELCAL_INLINE Vec<int32_t> Packed(const int32_t* const* rows, int row, int64_t x, bool, int32_t) {
  return Load(rows[row] + x);
}

// f[x][lane] from up to kLines rows; a missing row repeats the last one.
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

template <Form kForm>
PIXELCAL_INLINE void WriteSquares(Vec<int32_t> squares, bool large, int32_t* to) {
  if constexpr (kForm != Form::kInteger) {
    Vec<float> values = __builtin_convertvector(squares, Vec<float>);
    if (kForm == Form::kRoot && large) {
      // From 2^24 on an integer need not be a float: the root is taken in double.
      for (int lane = 0; lane < kLanesOf<float>; ++lane)
        values[lane] = static_cast<float>(__builtin_sqrt(static_cast<double>(squares[lane])));
    } else if (kForm == Form::kRoot) {
      values = Root(values);
    }
    squares = (Vec<int32_t>)values;
  }
  Store(to, squares);
}

// A tile of kTileColumns x kLines squares, turned back into rows.
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
      return WriteTile<Form::kInteger>(tile, large, out, out_stride);
  }
}

template <class T>
int32_t Rows(const Lines<T>& lines, const RowsTask& task) {
  Bound(lines);
  FindWindows(lines);
  alignas(kVectorBytes) T tile[kTileColumns * kLines];
  int32_t part[kLines * kTileColumns];
  Vec<T> most = Splat(T{0});
  for (int64_t x = 0; x < task.columns; x += kTileColumns) {
    if (task.wanted && !task.wanted[x / kTileColumns]) continue;
    auto* out = static_cast<int32_t*>(task.out) + x;
    const int64_t columns = task.columns - x < kTileColumns ? task.columns - x : kTileColumns;
    const int64_t block = x / kRows;
    const bool second = columns > kRows;
    if (lines.reach[block] == 0 && (!second || lines.reach[block + 1] == 0)) {
      if (columns == kTileColumns) {
        for (int64_t row = 0; row < task.rows; ++row)
          memset(out + row * task.out_stride, 0, kTileColumns * 4);
      } else {
        for (int64_t row = 0; row < task.rows; ++row)
          memset(out + row * task.out_stride, 0, static_cast<size_t>(columns) * 4);
      }
      continue;
    }
    EnvelopeBlock(lines, block, tile, kLines);
    if (second) EnvelopeBlock(lines, block + 1, tile + kRows * kLines, kLines);
    for (int64_t i = 0; i < columns * kLines; i += kLanesOf<T>) most = Most(most, Load(tile + i));
    if (sizeof(T) == 2 && MostLane(most) == Far<T>::kValue) return Far<T>::kValue;
    if (columns == kTileColumns && task.rows == kLines) {
      WriteTile(tile, task.form, task.large, out, task.out_stride);
    } else {
      WriteTile(tile, task.form, task.large, part, kTileColumns);
      for (int64_t row = 0; row < task.rows; ++row)
        memcpy(out + row * task.out_stride, part + row * kTileColumns, static_cast<size_t>(columns) * 4);
    }
  }
  return MostLane(most);
}

template <class T, class Source>
PIXELCAL_INLINE int32_t RowsFrom(const Source* from, const RowsTask& task, bool of_steps) {
  // The lines after the last column are filled after the tiles, which may write there.
  Interleave(from, task, of_steps, reinterpret_cast<T*>(task.scratch));
  const Lines<T> lines = LinesIn<T>(task.scratch, task.columns, task.squares);
  return Rows(lines, task);
}

bool Rows16OfSteps(const uint16_t* steps, const RowsTask& task) {
  return RowsFrom<uint16_t>(steps, task, true) < Far<uint16_t>::kValue;
}
bool Rows16(const uint16_t* squares, const RowsTask& task) {
  return RowsFrom<uint16_t>(squares, task, false) < Far<uint16_t>::kValue;
}
int32_t Rows32OfSteps(const uint16_t* steps, const RowsTask& task) {
  return RowsFrom<int32_t>(steps, task, true);
}
int32_t Rows32(const int32_t* squares, const RowsTask& task) {
  return RowsFrom<int32_t>(squares, task, false);
}

PIXELCAL_INLINE void LoadColumns(const uint8_t* steps, uint16_t* f) {
  for (int i = 0; i < kLines; i += kLanesOf<uint16_t>) {
    const Vec<uint16_t> wide = Widen(steps + i);
    Store(f + i, wide * wide | (Vec<uint16_t>)(wide == uint16_t{255}));
  }
}
PIXELCAL_INLINE void LoadColumns(const uint16_t* steps, uint16_t* f) {
  for (int i = 0; i < kLines; i += kLanesOf<uint16_t>) Store(f + i, SquaresOf(Load(steps + i)));
}
PIXELCAL_INLINE void LoadColumns(const uint16_t* steps, int32_t* f) {
  for (int i = 0; i < kLines; i += kLanesOf<int32_t>)
    Store(f + i, SquaresOf((Vec<int32_t>)Widen(steps + i), 65535));
}
PIXELCAL_INLINE void LoadColumns(const uint8_t* steps, int32_t* f) {
  for (int i = 0; i < kLines; ++i) f[i] = steps[i] == 255 ? Far<int32_t>::kValue : steps[i] * steps[i];
}

template <class T, class Step>
void Columns(const Step* steps, const ColumnsTask& task, T* to) {
  const Lines<T> lines = LinesIn<T>(task.scratch, task.rows, task.squares);
  auto* f = reinterpret_cast<T*>(task.scratch);
  for (int64_t column = 0; column < task.columns; column += kLines) {
    // The last lanes may do some columns a second time; a narrow plane repeats its last column.
    const int64_t x = column + kLines <= task.columns ? column
                      : task.columns > kLines         ? task.columns - kLines
                                                      : 0;
    for (int64_t row = 0; row < task.rows; ++row) {
      const Step* from = steps + row * task.columns;
      if (task.columns >= kLines) {
        LoadColumns(from + x, f + row * kLines);
      } else {
        Step narrow[kLines];
        for (int i = 0; i < kLines; ++i) narrow[i] = from[i < task.columns ? i : task.columns - 1];
        LoadColumns(narrow, f + row * kLines);
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
                              Columns<uint16_t, uint8_t>,
                              Columns<uint16_t, uint16_t>,
                              Columns<int32_t, uint8_t>,
                              Columns<int32_t, uint16_t>};

}  // namespace pixelcal::simd::PIXELCAL_ISA
