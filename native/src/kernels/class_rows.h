#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "kernels/morphology.h"
#include "kernels/pixel.h"
#include "kernels/window_filter.h"
#include "shape.h"
#include "span.h"

namespace pixelcal::cpu {

// Classes of a byte of class bits.
inline constexpr int kGroup = 8;

// Morphology that ClassRows does by itself: steps of a 3-wide element, for all classes of a byte at once.
struct MorphologySteps {
  MorphologyOp op = MorphologyOp::kErosion;
  bool cross = false;
  int64_t steps = 0;                            // of each erosion and dilation
  uint8_t outside_all = 0xff, outside_any = 0;  // what erosions and dilations see outside the image

  // How far a pixel's result may depend on others.
  int64_t Reach() const {
    return op == MorphologyOp::kOpening || op == MorphologyOp::kClosing ? 2 * steps : steps;
  }
  // Nothing when the element is no repetition of a 3-wide one, or reaches so far that a tile would mostly
  // compute its surroundings.
  static std::optional<MorphologySteps> From(const MorphologyOptions& options);
};

// What the rows of every tile of a call have in common.
struct ClassRowsPlan {
  LabelSpan labels;               // [batch, depth, height, width]
  std::array<int64_t, 3> size{};  // depth, height, width
  int64_t classes = 1;
  std::optional<int64_t> ignore;
  int dimensions = 1;  // trailing axes the window and the morphology span
  int64_t radius = 0;  // of the window, along each of them
  WindowBorder border = WindowBorder::kReplicate;
  std::optional<MorphologySteps> steps;
  std::span<const uint8_t> adapted;  // masks [batch, classes, ...] after any other morphology, else empty
  MorphologyOp op = MorphologyOp::kErosion;  // of either
  bool clear_ignored = false;                // ignored pixels belong to no adapted class
  bool band = false;  // windows see the classes as they are; morphology makes the band only

  bool Spans(int axis) const { return axis >= 3 - dimensions; }
  int64_t Radius(int axis) const { return Spans(axis) ? radius : 0; }
};

// A tile of one plane: rows [begin, end) of plane z of image n, and the rows around it that its windows see.
struct TileRows {
  int64_t n, z, begin, end;
};

class ClassRows;

// Eight classes of a tile and its surroundings, one a bit; every row can be read `radius` columns beyond its
// ends, where it continues by the border rule.
class SelectedRows {
 public:
  SelectedRows(const ClassRows& rows, const uint8_t* bits, const uint8_t* outside)
      : rows_(rows), bits_(bits), outside_(outside) {}
  // Row y + dy of plane z + dz.
  const uint8_t* Row(int64_t y, int64_t dz, int64_t dy) const;

 private:
  const ClassRows& rows_;
  const uint8_t* bits_;
  const uint8_t* outside_;  // a row of what lies outside the image
};

// The classes of a tile and its surroundings, adapted by morphology. In memory of this thread.
class ClassRows {
 public:
  ClassRows(const ClassRowsPlan& plan, TileRows tile);

  // Labels of the tile as codes; adds those that are no class to `bad`.
  const int16_t* Load(BadPixels& bad);
  // Classes first to first + 7, until the next call; ORs the band into `band` when the plan has one.
  SelectedRows Select(int64_t first, uint8_t* band);
  // Ignored pixels as bit 0.
  SelectedRows SelectIgnored();

 private:
  friend class SelectedRows;

  // Rows that are valid in a buffer.
  struct Region {
    int64_t plane_begin, plane_end, row_begin, row_end;
  };
  Region Around(int64_t reach) const;
  int64_t Offset(int64_t plane, int64_t row) const {
    return ((plane - all_.plane_begin) * rows_ + row - all_.row_begin) * stride_ + pad_;
  }
  template <class Body>
  void ForRows(const Region& region, const Body& body) const;
  int Adapt();
  int Repeat(int from, bool all, int first, int second, Region& region);
  void Step(int from, int to, bool all, Region& region);
  void LoadAdapted(int64_t first);
  void Continue(uint8_t* bits, uint8_t outside, uint8_t* outside_row) const;
  uint8_t* Buffer(int index) const { return buffers_ + index * buffer_size_; }

  const ClassRowsPlan& plan_;
  const TileRows tile_;
  const Region all_;
  const int64_t rows_, pad_, stride_, buffer_size_;
  int16_t* codes_;
  uint8_t* buffers_;
  // Rows of their own: what lies outside the image for a step, for the classes and for the ignored pixels,
  // and one for merged rows.
  uint8_t *step_outside_, *outside_, *none_, *line_;
};

}  // namespace pixelcal::cpu
