#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/shape.h"
#include "base/span.h"
#include "labels/bad_pixels.h"
#include "morphology/morphology.h"
#include "soft_labels/window_filter.h"

namespace pixelcal::cpu {

// The number of classes in a byte of class bits.
inline constexpr int kGroup = 8;

// The morphology that ClassRows does by itself: steps of a 3-wide element, for all classes of a byte at once.
struct MorphologySteps {
  MorphologyOp op = MorphologyOp::kErosion;
  bool cross = false;
  int64_t steps = 0;                            // steps of each erosion and dilation
  uint8_t outside_all = 0xff, outside_any = 0;  // the bits outside the image for erosions and dilations

  // Returns the distance up to which a pixel's result may depend on others.
  int64_t Reach() const {
    return op == MorphologyOp::kOpening || op == MorphologyOp::kClosing ? 2 * steps : steps;
  }
  // Returns nothing if the element is not a repetition of a 3-wide one, or reaches so far that a tile would
  // mostly compute its surroundings.
  static std::optional<MorphologySteps> From(const MorphologyOptions& options);
};

// The properties that the rows of every tile of a call share.
struct ClassRowsPlan {
  LabelSpan labels;               // [batch, depth, height, width]
  std::array<int64_t, 3> size{};  // depth, height, width
  int64_t classes = 1;
  std::optional<int64_t> ignore;
  int dimensions = 1;  // trailing axes the window and the morphology span
  int64_t radius = 0;  // radius of the window along each of these axes
  WindowBorder border = WindowBorder::kReplicate;
  std::optional<MorphologySteps> steps;
  std::span<const uint8_t> adapted;  // masks [batch, classes, ...] after any other morphology, else empty
  MorphologyOp op = MorphologyOp::kErosion;  // operation of either kind
  bool clear_ignored = false;                // ignored pixels belong to no adapted class
  bool band = false;  // windows see the classes as they are; morphology makes the band only

  bool Spans(int axis) const { return axis >= 3 - dimensions; }
  int64_t Radius(int axis) const { return Spans(axis) ? radius : 0; }
};

// A tile of one plane: rows [begin, end) of plane z of image n.
struct TileRows {
  int64_t n, z, begin, end;
};

// The layout of a tile: its rows lie one after the other in memory, each with `pad` pixels before and after
// it, so that loops run over all of them at once; results in the padding are ignored.
struct TileLayout {
  int64_t width, rows, pad;
  int64_t Stride() const { return width + 2 * pad; }
  int64_t Count() const { return rows * Stride(); }
  int64_t At(int64_t row) const { return row * Stride() + pad; }
};

// The bits of eight classes of a tile and its surroundings, continued beyond the image by the border rule.
struct SelectedRows {
  const uint8_t* tile;  // the layout's first element
  int64_t row_stride, plane_stride;

  // Returns the tile moved by planes and rows, up to the window's radius; columns may be moved as far.
  const uint8_t* Moved(int64_t planes, int64_t rows) const {
    return tile + planes * plane_stride + rows * row_stride;
  }
};

// The classes of a tile and its surroundings, adapted by morphology, in memory of this thread.
class ClassRows {
 public:
  ClassRows(const ClassRowsPlan& plan, TileRows tile);

  const TileLayout& layout() const { return layout_; }
  // Returns the labels of the tile as codes; adds pixels that are no class to `bad`.
  const int16_t* Load(BadPixels& bad);
  // Returns classes first to first + 7, valid until the next call; ORs the band into `band` if the plan has
  // one.
  SelectedRows Select(int64_t first, uint8_t* band);
  // Returns the ignored pixels as bit 0.
  SelectedRows SelectIgnored();

 private:
  // Return planes and rows of the image by those in memory: the tile and `reach` around it along the axes the
  // window spans, inside the image or not.
  int64_t Plane(int64_t p) const { return tile_.z - around_[0] + p; }
  int64_t Row(int64_t q) const { return tile_.begin - around_[1] + q; }
  bool Inside(int64_t p, int64_t q) const {
    return Plane(p) >= 0 && Plane(p) < plan_.size[0] && Row(q) >= 0 && Row(q) < plan_.size[1];
  }
  int64_t Offset(int64_t p, int64_t q) const { return (p * rows_ + q) * stride_; }
  template <class Body>
  void ForRows(int64_t margin, const Body& body) const;
  uint8_t* Buffer(int index) const { return buffers_ + index * buffer_size_; }

  int Adapt();
  int Repeat(int from, bool all, int first, int second, int64_t& margin);
  void Step(int from, int to, bool all, int64_t margin);
  void LoadAdapted(int64_t first);
  SelectedRows Continue(uint8_t* bits, uint8_t outside) const;

  const ClassRowsPlan& plan_;
  const TileRows tile_;
  const TileLayout layout_;
  const int64_t reach_;  // reach of the morphology
  const std::array<int64_t, 2> around_;
  const int64_t planes_, rows_, stride_, count_, buffer_size_;
  int16_t* codes_;
  uint8_t* buffers_;
  uint8_t* line_;
};

}  // namespace pixelcal::cpu
