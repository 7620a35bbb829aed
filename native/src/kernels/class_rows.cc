// Class masks of a tile in cache: labels -> codes -> one bit a class -> morphology -> continued beyond the
// image. An erosion of all masks is an AND of neighbouring bytes and a dilation an OR, so that eight classes
// take the time of one: O(steps) byte operations a pixel.
#include "kernels/class_rows.h"

#include <algorithm>
#include <cstring>

#include "kernels/label_codes.h"
#include "scratch.h"
#include "simd/soft_labels.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kMostReach = 8;

enum Slot { kCodes = 100, kBuffers, kRows };

// Buffers of bits: the classes as they are, two for each chain of steps, and the ignored pixels.
enum Buffers { kOwn, kA, kB, kC, kD, kIgnored, kBufferCount };

int64_t RoundUp(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

}  // namespace

std::optional<MorphologySteps> MorphologySteps::From(const MorphologyOptions& options) {
  const bool cross = options.structure == Structure::kCross;
  if (cross && options.radius > 1) return std::nullopt;
  if (options.radius > kMostReach || options.iterations > kMostReach) return std::nullopt;
  MorphologySteps steps;
  steps.op = options.op;
  steps.cross = cross;
  steps.steps = options.radius * options.iterations;
  if (options.border != MorphologyBorder::kNeutral)
    steps.outside_all = steps.outside_any = options.border == MorphologyBorder::kOne ? 0xff : 0;
  if (steps.Reach() > kMostReach) return std::nullopt;
  return steps;
}

ClassRows::ClassRows(const ClassRowsPlan& plan, TileRows tile)
    : plan_(plan),
      tile_(tile),
      all_(Around(plan.radius + (plan.steps ? plan.steps->Reach() : 0))),
      rows_(all_.row_end - all_.row_begin),
      pad_(std::max<int64_t>(plan.radius, 1)),
      stride_(RoundUp(plan.size[2] + 2 * pad_, 64)),
      buffer_size_((all_.plane_end - all_.plane_begin) * rows_ * stride_) {
  codes_ = Scratch<int16_t, kCodes>((all_.plane_end - all_.plane_begin) * rows_ * plan.size[2]);
  buffers_ = Scratch<uint8_t, kBuffers>(kBufferCount * buffer_size_);
  uint8_t* rows = Scratch<uint8_t, kRows>(4 * stride_) + pad_;
  step_outside_ = rows;
  outside_ = rows + stride_;
  none_ = rows + 2 * stride_;
  line_ = rows + 3 * stride_;
}

ClassRows::Region ClassRows::Around(int64_t reach) const {
  const auto& [depth, height, width] = plan_.size;
  const int64_t planes = plan_.Spans(0) ? reach : 0, rows = plan_.Spans(1) ? reach : 0;
  return {std::max<int64_t>(tile_.z - planes, 0), std::min(tile_.z + planes + 1, depth),
          std::max<int64_t>(tile_.begin - rows, 0), std::min(tile_.end + rows, height)};
}

template <class Body>
void ClassRows::ForRows(const Region& region, const Body& body) const {
  for (int64_t plane = region.plane_begin; plane < region.plane_end; ++plane)
    for (int64_t row = region.row_begin; row < region.row_end; ++row) body(plane, row);
}

const int16_t* ClassRows::Load(BadPixels& bad) {
  const int64_t height = plan_.size[1], width = plan_.size[2];
  int16_t *to = codes_, *own = codes_;
  ForRows(all_, [&](int64_t plane, int64_t row) {
    const int64_t first = ((tile_.n * plan_.size[0] + plane) * height + row) * width;
    const bool invalid = EncodeLabels(plan_.labels, first, width, plan_.classes, plan_.ignore, to).invalid;
    const bool inside = plane == tile_.z && row >= tile_.begin && row < tile_.end;
    if (inside && row == tile_.begin) own = to;
    if (inside && invalid)
      for (int64_t x = 0; x < width; ++x)
        if (to[x] == simd::kInvalid) bad.Add(first + x);
    to += width;
  });
  return own;
}

SelectedRows ClassRows::Select(int64_t first, uint8_t* band) {
  const int64_t width = plan_.size[2];
  const auto& loops = SoftLabelLoops();
  const int16_t* codes = codes_;
  ForRows(all_, [&](int64_t plane, int64_t row) {
    loops.one_hot(codes, width, static_cast<int>(first), Buffer(kOwn) + Offset(plane, row));
    codes += width;
  });
  uint8_t* selected = Buffer(kOwn);
  if (plan_.steps || !plan_.adapted.empty()) {
    int adapted = kA;
    if (plan_.steps)
      adapted = Adapt();
    else
      LoadAdapted(first);
    if (plan_.band) {
      const MorphologyOp op = plan_.op;
      const bool gradient = op == MorphologyOp::kGradient || op == MorphologyOp::kInternalGradient ||
                            op == MorphologyOp::kExternalGradient;
      for (int64_t row = tile_.begin; row < tile_.end; ++row) {
        const int64_t at = Offset(tile_.z, row);
        loops.band(Buffer(adapted) + at, Buffer(kOwn) + at, !gradient, width,
                   band + (row - tile_.begin) * width);
      }
    } else {
      selected = Buffer(adapted);
      if (plan_.clear_ignored && plan_.ignore) {
        codes = codes_;
        ForRows(all_, [&](int64_t plane, int64_t row) {
          uint8_t* bits = selected + Offset(plane, row);
          loops.equal(codes, width, simd::kLeftOut, 0xff, line_);
          loops.without(bits, line_, width, bits);
          codes += width;
        });
      }
    }
  }
  // Outside lies class 0, which is bit 0 of the first byte, or no class.
  Continue(selected, plan_.border == WindowBorder::kBackground && first == 0 ? 1 : 0, outside_);
  return {*this, selected, outside_};
}

SelectedRows ClassRows::SelectIgnored() {
  const auto& loops = SoftLabelLoops();
  const int16_t* codes = codes_;
  ForRows(all_, [&](int64_t plane, int64_t row) {
    loops.equal(codes, plan_.size[2], simd::kLeftOut, 1, Buffer(kIgnored) + Offset(plane, row));
    codes += plan_.size[2];
  });
  // What lies outside is of class 0 or of none, never ignored.
  Continue(Buffer(kIgnored), 0, none_);
  return {*this, Buffer(kIgnored), none_};
}

const uint8_t* SelectedRows::Row(int64_t y, int64_t dz, int64_t dy) const {
  const ClassRowsPlan& plan = rows_.plan_;
  const int64_t plane = BorderIndex(rows_.tile_.z + dz, plan.size[0], plan.border);
  const int64_t row = BorderIndex(y + dy, plan.size[1], plan.border);
  return plane < 0 || row < 0 ? outside_ : bits_ + rows_.Offset(plane, row);
}

void ClassRows::Continue(uint8_t* bits, uint8_t outside, uint8_t* outside_row) const {
  const int64_t width = plan_.size[2], radius = plan_.radius;
  std::memset(outside_row - pad_, outside, stride_);
  ForRows(Around(radius), [&](int64_t plane, int64_t row) {
    uint8_t* own = bits + Offset(plane, row);
    for (int64_t x = 1; x <= radius; ++x) {
      const int64_t left = BorderIndex(-x, width, plan_.border);
      const int64_t right = BorderIndex(width - 1 + x, width, plan_.border);
      own[-x] = left < 0 ? outside : own[left];
      own[width - 1 + x] = right < 0 ? outside : own[right];
    }
  });
}

// The buffer of the adapted classes.
int ClassRows::Adapt() {
  const MorphologySteps& steps = *plan_.steps;
  const auto& loops = SoftLabelLoops();
  Region region = all_, other = all_;
  const auto without = [&](int a, int b) {
    ForRows(region, [&](int64_t plane, int64_t row) {
      const int64_t at = Offset(plane, row);
      loops.without(Buffer(a) + at, Buffer(b) + at, plan_.size[2], Buffer(kD) + at);
    });
    return static_cast<int>(kD);
  };
  switch (steps.op) {
    case MorphologyOp::kErosion:
      return Repeat(kOwn, true, kA, kB, region);
    case MorphologyOp::kDilation:
      return Repeat(kOwn, false, kA, kB, region);
    case MorphologyOp::kOpening:
    case MorphologyOp::kClosing: {
      const bool opening = steps.op == MorphologyOp::kOpening;
      return Repeat(Repeat(kOwn, opening, kA, kB, region), !opening, kC, kD, region);
    }
    case MorphologyOp::kGradient: {
      const int eroded = Repeat(kOwn, true, kA, kB, region);
      return without(Repeat(kOwn, false, kC, kD, other), eroded);
    }
    case MorphologyOp::kInternalGradient:
      return without(kOwn, Repeat(kOwn, true, kA, kB, region));
    case MorphologyOp::kExternalGradient:
      return without(Repeat(kOwn, false, kA, kB, region), kOwn);
  }
  return kOwn;
}

// All steps of an erosion (all) or dilation; the rows that stay valid shrink.
int ClassRows::Repeat(int from, bool all, int first, int second, Region& region) {
  for (int64_t step = 0; step < plan_.steps->steps; ++step) {
    const int to = from == first ? second : first;
    Step(from, to, all, region);
    from = to;
  }
  return from;
}

void ClassRows::Step(int from, int to, bool all, Region& region) {
  const auto& [depth, height, width] = plan_.size;
  const auto& loops = SoftLabelLoops();
  const uint8_t outside = all ? plan_.steps->outside_all : plan_.steps->outside_any;
  std::memset(step_outside_ - pad_, outside, stride_);
  ForRows(region, [&](int64_t plane, int64_t row) {
    uint8_t* bits = Buffer(from) + Offset(plane, row);
    bits[-1] = bits[width] = outside;
  });
  if (plan_.Spans(0)) {
    region.plane_begin += region.plane_begin > 0;
    region.plane_end -= region.plane_end < depth;
  }
  if (plan_.Spans(1)) {
    region.row_begin += region.row_begin > 0;
    region.row_end -= region.row_end < height;
  }
  ForRows(region, [&](int64_t plane, int64_t row) {
    const auto at = [&](int64_t dz, int64_t dy) -> const uint8_t* {
      const bool inside = plane + dz >= 0 && plane + dz < depth && row + dy >= 0 && row + dy < height;
      return inside ? Buffer(from) + Offset(plane + dz, row + dy) : step_outside_;
    };
    const int64_t rz = plan_.Spans(0) ? 1 : 0, ry = plan_.Spans(1) ? 1 : 0;
    std::array<const uint8_t*, 9> rows;
    size_t count = 0;
    for (int64_t dz = -rz; dz <= rz; ++dz)
      for (int64_t dy = -ry; dy <= ry; ++dy)
        if (!plan_.steps->cross || (dz == 0) != (dy == 0)) rows[count++] = at(dz, dy);
    uint8_t* out = Buffer(to) + Offset(plane, row);
    if (plan_.steps->cross) {
      if (count > 0) loops.merge(rows.data(), count, all, width, out);
      loops.widen(at(0, 0), all, count > 0, width, out);
    } else {
      for (size_t i = 0; i < count; ++i) --rows[i];
      loops.merge(rows.data(), count, all, width + 2, line_ - 1);
      loops.widen(line_, all, false, width, out);
    }
  });
}

void ClassRows::LoadAdapted(int64_t first) {
  const int64_t width = plan_.size[2], pixels = plan_.size[0] * plan_.size[1] * width;
  const int64_t count = std::min<int64_t>(kGroup, plan_.classes - first);
  ForRows(all_, [&](int64_t plane, int64_t row) {
    uint8_t* bits = Buffer(kA) + Offset(plane, row);
    std::memset(bits, 0, width);
    for (int64_t j = 0; j < count; ++j) {
      const uint8_t* mask = plan_.adapted.data() + (tile_.n * plan_.classes + first + j) * pixels +
                            (plane * plan_.size[1] + row) * width;
      for (int64_t x = 0; x < width; ++x) bits[x] |= static_cast<uint8_t>(mask[x] << j);
    }
  });
}

}  // namespace pixelcal::cpu
