#include "morphology/slab_morphology.h"

#include <algorithm>

#include "base/scratch.h"
#include "morphology/bit_loops.h"

namespace pixelcal {

Slab::Slab(const SlabLayout& layout, const SlabElement& element, int rank, bool first, bool last)
    : layout_(layout), element_(element), rank_(rank), first_(first), last_(last) {
  const int64_t size = layout.BufferWords();
  uint64_t* memory =
      Scratch<uint64_t, struct SlabBuffers>(static_cast<size_t>(kBuffers * size)) + layout.guard;
  for (; free_count_ < kBuffers; ++free_count_) free_[free_count_] = memory + free_count_ * size;
  source = Take();
}

uint64_t Slab::Inversion(MorphologyOp op) {
  return op == MorphologyOp::kErosion || op == MorphologyOp::kOpening || op == MorphologyOp::kInternalGradient
             ? kOnes
             : 0;
}

uint64_t* Slab::Apply(MorphologyOp op) {
  const uint64_t of_mask = element_.outside, of_complement = element_.complement_outside;
  SetRowEnds(layout_, Inversion(op) != 0 ? of_complement : of_mask, source);
  switch (op) {
    case MorphologyOp::kErosion:
      return Dilate(source, of_complement, kOnes);
    case MorphologyOp::kDilation:
      return Dilate(source, of_mask, 0);
    case MorphologyOp::kOpening:
      return Twice(of_complement, of_mask, 0);
    case MorphologyOp::kClosing:
      return Twice(of_mask, of_complement, kOnes);
    case MorphologyOp::kInternalGradient:
      return Rim(of_complement);
    case MorphologyOp::kExternalGradient:
      return Rim(of_mask);
    case MorphologyOp::kGradient:
      return Gradient(of_mask, of_complement);
  }
  return nullptr;
}

uint64_t* Slab::Twice(uint64_t outside, uint64_t then_outside, uint64_t flip) {
  uint64_t* half = Dilate(source, outside, kOnes);
  SetRowEnds(layout_, then_outside, half);
  return Dilate(half, then_outside, flip);
}

uint64_t* Slab::Rim(uint64_t outside) {
  uint64_t* spread = Dilate(source, outside, 0);
  BitsLoops().both(spread, source, kOnes, Words(), spread);
  return spread;
}

uint64_t* Slab::Gradient(uint64_t of_mask, uint64_t of_complement) {
  const auto& loops = BitsLoops();
  const bool neutral = of_mask == 0 && of_complement == 0;
  if (neutral && element_.structure == Structure::kBox && element_.radius == 1 && rank_ == 2) {
    uint64_t* result = Take();
    GradientSquare(layout_, source, Take(), result);
    return result;
  }
  uint64_t* spread = Dilate(source, of_mask, 0);
  loops.copy(source, 0, Words(), 1, kOnes, 0, source);
  SetRowEnds(layout_, of_complement, source);
  const uint64_t* of_background = Dilate(source, of_complement, 0);
  loops.both(spread, of_background, 0, Words(), spread);
  return spread;
}

uint64_t* Slab::Dilate(uint64_t* from, uint64_t outside, uint64_t flip) {
  if (element_.structure == Structure::kBox) return Box(from, outside, flip);
  uint64_t* at = from;
  bool settled = false;
  for (int64_t round = 1; round < element_.iterations && !settled; ++round) {
    uint64_t* next = Cross(at, outside, 0);
    SetRowEnds(layout_, outside, next);
    settled = std::equal(at, at + Words(), next);
    if (at != from) Release(at);
    at = next;
  }
  uint64_t* result = Cross(at, outside, flip);
  if (at != from) Release(at);
  return result;
}

uint64_t* Slab::Box(uint64_t* from, uint64_t outside, uint64_t flip) {
  uint64_t *a = Take(), *b = Take(), *at = from;
  if (rank_ == 3) {
    SpreadPlanes(layout_, from, element_.radius, Planes(outside), b, a);
    at = a;
  }
  if (element_.radius == 1 && rank_ > 1) {
    SpreadSquare(layout_, at, Rows(outside), flip, b);
    std::swap(a, b);
  } else if (rank_ > 1) {
    SpreadRows(layout_, at, element_.radius, Rows(outside), a, b);
    SpreadRow(layout_, b, element_.radius, nullptr, flip, a);
  } else {
    Row(from, nullptr, flip, b, a);
  }
  Release(b);
  return a;
}

uint64_t* Slab::Cross(uint64_t* from, uint64_t outside, uint64_t flip) {
  if (rank_ == 1) return Box(from, outside, flip);
  uint64_t *arms = Take(), *spare = Take();
  SpreadRows(layout_, from, element_.radius, Rows(outside), spare, arms);
  if (rank_ == 3) {
    uint64_t* planes = Take();
    SpreadPlanes(layout_, from, element_.radius, Planes(outside), spare, planes);
    BitsLoops().either(arms, planes, Words(), arms);
    Release(planes);
  }
  Row(from, arms, flip, spare, arms);
  Release(spare);
  return arms;
}

void Slab::Row(uint64_t* from, const uint64_t* with, uint64_t flip, uint64_t* spare, uint64_t* out) {
  if (element_.radius > 1) {
    std::copy(from - layout_.guard, from + Words(), spare - layout_.guard);
    from = spare;
  }
  SpreadRow(layout_, from, element_.radius, with, flip, out);
}

}  // namespace pixelcal
