// Class masks of a tile in cache: labels -> codes -> one bit per class -> morphology -> continued beyond the
// image. An erosion of all masks is an AND of neighbouring bytes and a dilation an OR, so that eight classes
// take the time of one: O(steps) byte operations per pixel.
#include "soft_labels/class_rows.h"

#include <algorithm>
#include <cstring>

#include "base/scratch.h"
#include "labels/label_codes.h"
#include "soft_labels/soft_labels_loops.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kMostReach = 8;
constexpr int64_t kSlack = 64;  // before and after the elements of a buffer
constexpr int16_t kNoCode = -3;

// The buffers of bits: the unchanged classes, two for each chain of steps, and the ignored pixels.
enum Buffers { kOwn, kA, kB, kC, kD, kIgnored, kBufferCount };

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
      layout_{plan.size[2], tile.end - tile.begin, std::max<int64_t>(plan.radius, 1)},
      reach_(plan.steps ? plan.steps->Reach() : 0),
      around_{plan.Spans(0) ? plan.radius + reach_ : 0, plan.Spans(1) ? plan.radius + reach_ : 0},
      planes_(1 + 2 * around_[0]),
      rows_(layout_.rows + 2 * around_[1]),
      stride_(layout_.Stride()),
      count_(planes_ * rows_ * stride_),
      buffer_size_(count_ + 2 * kSlack) {
  codes_ = Scratch<int16_t, struct TileCodes>(count_ + kSlack);
  buffers_ = Scratch<uint8_t, struct TileBits>(kBufferCount * buffer_size_) + kSlack;
  line_ = Scratch<uint8_t, struct BitLine>(rows_ * stride_ + 2 * kSlack) + kSlack;
}

// Visits all planes and rows except `margin` at each end of the spanned axes.
template <class Body>
void ClassRows::ForRows(int64_t margin, const Body& body) const {
  const int64_t mp = plan_.Spans(0) ? margin : 0, mq = plan_.Spans(1) ? margin : 0;
  for (int64_t p = mp; p < planes_ - mp; ++p)
    for (int64_t q = mq; q < rows_ - mq; ++q) body(p, q);
}

const int16_t* ClassRows::Load(BadPixels& bad) {
  const int64_t width = plan_.size[2], pad = layout_.pad;
  ForRows(0, [&](int64_t p, int64_t q) {
    int16_t* to = codes_ + Offset(p, q);
    if (!Inside(p, q)) {
      std::fill_n(to, stride_, kNoCode);
      return;
    }
    std::fill_n(to, pad, kNoCode);
    std::fill_n(to + pad + width, pad, kNoCode);
    const int64_t first = ((tile_.n * plan_.size[0] + Plane(p)) * plan_.size[1] + Row(q)) * width;
    const auto flags = EncodeLabels(plan_.labels, first, width, plan_.classes, plan_.ignore, to + pad);
    if (flags.invalid && Plane(p) == tile_.z && Row(q) >= tile_.begin && Row(q) < tile_.end)
      AddInvalid(to + pad, first, width, bad);
  });
  return codes_ + Offset(around_[0], around_[1]);
}

SelectedRows ClassRows::Select(int64_t first, uint8_t* band) {
  const auto& loops = SoftLabelLoops();
  loops.one_hot(codes_, count_, static_cast<int>(first), Buffer(kOwn));
  int selected = kOwn;
  if (plan_.steps || !plan_.adapted.empty()) {
    int adapted = kA;
    if (plan_.steps)
      adapted = Adapt();
    else
      LoadAdapted(first);
    if (plan_.band) {
      const bool gradient = plan_.op == MorphologyOp::kGradient ||
                            plan_.op == MorphologyOp::kInternalGradient ||
                            plan_.op == MorphologyOp::kExternalGradient;
      const int64_t at = Offset(around_[0], around_[1]);
      loops.band(Buffer(adapted) + at, Buffer(kOwn) + at, !gradient, layout_.Count(), band);
    } else {
      selected = adapted;
      if (plan_.clear_ignored) {
        loops.equal(codes_, count_, simd::kLeftOut, 0xff, Buffer(kIgnored));
        loops.without(Buffer(selected), Buffer(kIgnored), count_, Buffer(selected));
      }
    }
  }
  // Outside lies class 0, which is bit 0 of the first byte, or no class.
  return Continue(Buffer(selected), plan_.border == WindowBorder::kBackground && first == 0 ? 1 : 0);
}

SelectedRows ClassRows::SelectIgnored() {
  SoftLabelLoops().equal(codes_, count_, simd::kLeftOut, 1, Buffer(kIgnored));
  // Outside pixels are of class 0 or of none, never ignored.
  return Continue(Buffer(kIgnored), 0);
}

SelectedRows ClassRows::Continue(uint8_t* bits, uint8_t outside) const {
  const int64_t width = plan_.size[2], radius = plan_.radius;
  ForRows(reach_, [&](int64_t p, int64_t q) {
    if (!Inside(p, q)) return;
    uint8_t* row = bits + Offset(p, q) + layout_.pad;
    for (int64_t x = 1; x <= radius; ++x) {
      const int64_t left = BorderIndex(-x, width, plan_.border);
      const int64_t right = BorderIndex(width - 1 + x, width, plan_.border);
      row[-x] = left < 0 ? outside : row[left];
      row[width - 1 + x] = right < 0 ? outside : row[right];
    }
  });
  ForRows(reach_, [&](int64_t p, int64_t q) {
    if (Inside(p, q)) return;
    const int64_t plane = BorderIndex(Plane(p), plan_.size[0], plan_.border);
    const int64_t row = BorderIndex(Row(q), plan_.size[1], plan_.border);
    uint8_t* to = bits + Offset(p, q);
    if (plane < 0 || row < 0)
      std::memset(to, outside, stride_);
    else
      std::memcpy(to, bits + Offset(plane - Plane(0), row - Row(0)), stride_);
  });
  return {bits + Offset(around_[0], around_[1]), stride_, rows_ * stride_};
}

// Returns the index of the buffer of the adapted classes.
int ClassRows::Adapt() {
  const auto& loops = SoftLabelLoops();
  int64_t margin = 0, other = 0;
  const auto without = [&](int a, int b) {
    loops.without(Buffer(a), Buffer(b), count_, Buffer(kD));
    return static_cast<int>(kD);
  };
  switch (plan_.steps->op) {
    case MorphologyOp::kErosion:
      return Repeat(kOwn, true, kA, kB, margin);
    case MorphologyOp::kDilation:
      return Repeat(kOwn, false, kA, kB, margin);
    case MorphologyOp::kOpening:
    case MorphologyOp::kClosing: {
      const bool opening = plan_.steps->op == MorphologyOp::kOpening;
      const int first = Repeat(kOwn, opening, kA, kB, margin);
      return Repeat(first, !opening, kC, kD, margin);
    }
    case MorphologyOp::kGradient: {
      const int eroded = Repeat(kOwn, true, kA, kB, margin);
      return without(Repeat(kOwn, false, kC, kD, other), eroded);
    }
    case MorphologyOp::kInternalGradient:
      return without(kOwn, Repeat(kOwn, true, kA, kB, margin));
    case MorphologyOp::kExternalGradient:
      return without(Repeat(kOwn, false, kA, kB, margin), kOwn);
  }
  return kOwn;
}

// Runs all steps of an erosion (all) or dilation; each loses one row at every end.
int ClassRows::Repeat(int from, bool all, int first, int second, int64_t& margin) {
  for (int64_t step = 0; step < plan_.steps->steps; ++step) {
    const int to = from == first ? second : first;
    Step(from, to, all, margin++);
    from = to;
  }
  return from;
}

void ClassRows::Step(int from, int to, bool all, int64_t margin) {
  const auto& loops = SoftLabelLoops();
  const uint8_t outside = all ? plan_.steps->outside_all : plan_.steps->outside_any;
  ForRows(margin, [&](int64_t p, int64_t q) {
    uint8_t* row = Buffer(from) + Offset(p, q);
    if (Inside(p, q))
      row[layout_.pad - 1] = row[layout_.pad + plan_.size[2]] = outside;
    else
      std::memset(row, outside, stride_);
  });
  const int64_t rz = plan_.Spans(0) ? 1 : 0, ry = plan_.Spans(1) ? 1 : 0;
  const int64_t mp = rz * (margin + 1), mq = ry * (margin + 1), count = (rows_ - 2 * mq) * stride_;
  for (int64_t p = mp; p < planes_ - mp; ++p) {
    const uint8_t* middle = Buffer(from) + Offset(p, mq);
    uint8_t* out = Buffer(to) + Offset(p, mq);
    std::array<const uint8_t*, 9> around;
    size_t rows = 0;
    for (int64_t dz = -rz; dz <= rz; ++dz)
      for (int64_t dy = -ry; dy <= ry; ++dy)
        if (!plan_.steps->cross || (dz == 0) != (dy == 0)) around[rows++] = middle + Offset(dz, dy);
    if (plan_.steps->cross) {
      if (rows > 0) loops.merge(around.data(), rows, all, count, out);
      loops.widen(middle, all, rows > 0, count, out);
    } else {
      for (size_t i = 0; i < rows; ++i) --around[i];
      loops.merge(around.data(), rows, all, count + 2, line_ - 1);
      loops.widen(line_, all, false, count, out);
    }
  }
}

void ClassRows::LoadAdapted(int64_t first) {
  const int64_t width = plan_.size[2], pixels = plan_.size[0] * plan_.size[1] * width;
  const int64_t group = std::min<int64_t>(kGroup, plan_.classes - first);
  ForRows(0, [&](int64_t p, int64_t q) {
    if (!Inside(p, q)) return;
    uint8_t* bits = Buffer(kA) + Offset(p, q) + layout_.pad;
    std::memset(bits, 0, width);
    for (int64_t j = 0; j < group; ++j) {
      const uint8_t* mask = plan_.adapted.data() + (tile_.n * plan_.classes + first + j) * pixels +
                            (Plane(p) * plan_.size[1] + Row(q)) * width;
      for (int64_t x = 0; x < width; ++x) bits[x] |= static_cast<uint8_t>(mask[x] << j);
    }
  });
}

}  // namespace pixelcal::cpu
