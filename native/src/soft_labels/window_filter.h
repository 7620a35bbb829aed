#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace pixelcal {

// The pixels that a window reads outside the image.
enum class WindowBorder {
  kBackground,  // pixels of class 0
  kZero,        // no class: the missing weight is lost
  kReplicate,   // the nearest pixel
  kReflect101,  // the mirror image, the edge pixel not repeated
};

// The separable window scale * taps (x) taps (x) ... over the last `dimensions` axes, plus `centre` at its
// middle.
struct Window {
  std::span<const float> taps;  // odd count, the same along each axis
  int dimensions = 1;
  float scale = 1;
  float centre = 0;

  int64_t Radius() const { return std::ssize(taps) / 2; }
  // Returns the weight of the whole window.
  double Total() const;
};

// Returns the pixel that a border rule reads for index `i` of an axis of `size`, or -1 for a constant.
int64_t BorderIndex(int64_t i, int64_t size, WindowBorder border);

namespace cpu {

struct SelectedRows;
struct TileLayout;

// A window as whole counts: pixels are counted by level, and every level has a weight. A uniform window has
// one level; a window of three symmetric taps has a level for each number of axes along which a pixel lies
// beside the middle.
struct CountedWindow {
  size_t levels = 1;
  std::array<float, 4> weights{1, 1, 1, 1};
  int64_t most = 0;  // largest count of one level, at most 255

  static std::optional<CountedWindow> From(const Window& window);
};

// Counts the pixels of class bits 0 to bits - 1 in the window around each pixel of the tile, level l of bit b
// at out + (b * levels + l) * stride; writes whole vectors, so `stride` is a multiple of one.
void CountWindows(const SelectedRows& rows, const Window& window, const CountedWindow& counted, int bits,
                  int64_t stride, uint8_t* out);

// Computes the window's weights of class bit `bit` around each pixel of one row of the tile.
void FilterRow(const SelectedRows& rows, const TileLayout& layout, const Window& window, int bit, int64_t row,
               float* out);

}  // namespace cpu
}  // namespace pixelcal
