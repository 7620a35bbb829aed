#pragma once

#include <array>

#include "morphology/bit_slab.h"
#include "morphology/morphology.h"

namespace pixelcal {

// The structuring element of a slab's dilations.
struct SlabElement {
  Structure structure;
  int64_t radius, iterations;
  // The bits outside the image for dilation, and for the complement that erosion dilates.
  uint64_t outside, complement_outside;
};

// A slab of an image and its buffers. Erosion is dilation of the complement, so one primitive suffices:
// pixels are inverted when packed and when written.
class Slab {
 public:
  // `first` and `last`: whether the slab starts and ends the image.
  Slab(const SlabLayout& layout, const SlabElement& element, int rank, bool first, bool last);

  uint64_t* source;  // the pixels or their complement

  // Returns all ones if the operation starts from the complement.
  static uint64_t Inversion(MorphologyOp op);

  // Applies the operation and returns the result's first row.
  uint64_t* Apply(MorphologyOp op);

 private:
  static constexpr int64_t kBuffers = 6;

  int64_t Words() const { return layout_.Lines() * layout_.stride; }
  uint64_t* Take() { return free_[--free_count_]; }
  void Release(uint64_t* buffer) { free_[free_count_++] = buffer; }
  SlabEdges Planes(uint64_t outside) const { return {first_, last_, outside}; }
  // Slabs are cut across rows only if there are no planes.
  SlabEdges Rows(uint64_t outside) const { return {first_ || rank_ == 3, last_ || rank_ == 3, outside}; }

  uint64_t* Twice(uint64_t outside, uint64_t then_outside, uint64_t flip);
  // Returns the outer pixels of the mask, or the inner ones of the complement.
  uint64_t* Rim(uint64_t outside);
  uint64_t* Gradient(uint64_t of_mask, uint64_t of_complement);
  // Returns a buffer with the dilation of `from`, xor `flip`; `from`, whose row ends are `outside`, is
  // unchanged.
  uint64_t* Dilate(uint64_t* from, uint64_t outside, uint64_t flip);
  // Dilates by a box, which is separable.
  uint64_t* Box(uint64_t* from, uint64_t outside, uint64_t flip);
  // Dilates by a cross, the OR of its arms.
  uint64_t* Cross(uint64_t* from, uint64_t outside, uint64_t flip);
  // Dilates along the rows; `from` is unchanged.
  void Row(uint64_t* from, const uint64_t* with, uint64_t flip, uint64_t* spare, uint64_t* out);

  const SlabLayout& layout_;
  const SlabElement& element_;
  const int rank_;
  const bool first_, last_;
  int free_count_ = 0;
  std::array<uint64_t*, kBuffers> free_;
};

}  // namespace pixelcal
