// Binary morphology on bits, 64 pixels per word. Images are cut into slabs of rows (planes of a volume) that
// stay in the caches: a slab and the neighbours that its result depends on are packed, the whole operation
// runs on the bits (morphology/bit_slab.h), and the result is unpacked. Memory is thus read and written once,
// whatever the operation.
//
// Erosion is dilation of the complement, so one primitive suffices: pixels are inverted when packed and when
// written.
#include "morphology/morphology.h"

#include <algorithm>
#include <array>
#include <functional>

#include "base/error.h"
#include "base/parallel.h"
#include "base/scratch.h"
#include "morphology/bit_loops.h"
#include "morphology/bit_slab.h"
#include "morphology/packed_mask.h"

namespace pixelcal::cpu {
namespace {

constexpr uint64_t kOnes = ~uint64_t{0};
constexpr int64_t kSlabBytes = 16 << 10;       // size of one buffer of bits: the buffers in use fit L1 and L2
constexpr int64_t kChunkPixels = 64 << 10;     // the least work worth handing to another thread
constexpr int64_t kStreamingPixels = 8 << 20;  // input and output of this size exceed the caches
constexpr int64_t kBuffers = 6;

struct Element {
  Structure structure;
  int64_t radius, iterations;
  // The bits outside the image for dilation, and for the complement that erosion dilates.
  uint64_t outside, complement_outside;
};

// The images as consecutive lines of pixels. They are cut along one axis; each step along it is `lines`
// lines.
struct Cut {
  int64_t images, steps, lines, pixels;
  int rank;
};

Cut CutAlong(const Grid& grid) {
  // One-dimensional rows depend only on themselves, so the batch is cut.
  if (grid.rank == 1) return {1, grid.batch, 1, grid.size[0], 1};
  if (grid.rank == 2) return {grid.batch, grid.size[0], 1, grid.size[1], 2};
  return {grid.batch, grid.size[0], grid.size[1], grid.size[2], 3};
}

Element MakeElement(const Cut& cut, const MorphologyOptions& options) {
  // Beyond the largest side nothing changes.
  const int64_t side = cut.rank == 1 ? cut.pixels : std::max({cut.steps, cut.lines, cut.pixels});
  Element element{options.structure, std::min(options.radius, side), options.iterations,
                  options.border == MorphologyBorder::kOne ? kOnes : 0,
                  options.border == MorphologyBorder::kZero ? kOnes : 0};
  if (element.radius == 0) element.iterations = 1;
  if (element.structure == Structure::kBox && element.iterations > 1) {
    // A repeated box is a larger box, for every border rule: outside pixels keep their value.
    element.radius = element.iterations > side / element.radius ? side : element.radius * element.iterations;
    element.iterations = 1;
  }
  return element;
}

bool TwoStages(MorphologyOp op) { return op == MorphologyOp::kOpening || op == MorphologyOp::kClosing; }

// Returns the number of steps before and after a slab that its result depends on.
int64_t Halo(const Cut& cut, const Element& element, MorphologyOp op) {
  if (cut.rank == 1 || element.radius == 0) return 0;
  const int64_t stages = TwoStages(op) ? 2 : 1;
  return element.iterations >= cut.steps / element.radius / stages
             ? cut.steps
             : element.radius * element.iterations * stages;
}

// A slab and its buffers; `source` holds the pixels or their complement.
class Slab {
 public:
  Slab(const SlabLayout& layout, const Element& element, int rank, bool first, bool last)
      : layout_(layout), element_(element), rank_(rank), first_(first), last_(last) {
    const int64_t size = layout.BufferWords();
    uint64_t* memory =
        Scratch<uint64_t, struct SlabBuffers>(static_cast<size_t>(kBuffers * size)) + layout.guard;
    for (; free_count_ < kBuffers; ++free_count_) free_[free_count_] = memory + free_count_ * size;
    source = Take();
  }

  uint64_t* source;

  // Returns all ones if the operation starts from the complement.
  static uint64_t Inversion(MorphologyOp op) {
    return op == MorphologyOp::kErosion || op == MorphologyOp::kOpening ||
                   op == MorphologyOp::kInternalGradient
               ? kOnes
               : 0;
  }

  // Applies the operation and returns the result's first row.
  uint64_t* Apply(MorphologyOp op) {
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

 private:
  int64_t Words() const { return layout_.Lines() * layout_.stride; }
  uint64_t* Take() { return free_[--free_count_]; }
  void Release(uint64_t* buffer) { free_[free_count_++] = buffer; }

  uint64_t* Twice(uint64_t outside, uint64_t then_outside, uint64_t flip) {
    uint64_t* half = Dilate(source, outside, kOnes);
    SetRowEnds(layout_, then_outside, half);
    return Dilate(half, then_outside, flip);
  }

  // Returns the outer pixels of the mask, or the inner ones of the complement.
  uint64_t* Rim(uint64_t outside) {
    uint64_t* spread = Dilate(source, outside, 0);
    BitsLoops().both(spread, source, kOnes, Words(), spread);
    return spread;
  }

  uint64_t* Gradient(uint64_t of_mask, uint64_t of_complement) {
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

  // Returns a buffer with the dilation of `from`, xor `flip`; `from`, whose row ends are `outside`, is
  // unchanged.
  uint64_t* Dilate(uint64_t* from, uint64_t outside, uint64_t flip) {
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

  // Dilates by a box, which is separable.
  uint64_t* Box(uint64_t* from, uint64_t outside, uint64_t flip) {
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

  // Dilates by a cross, the OR of its arms.
  uint64_t* Cross(uint64_t* from, uint64_t outside, uint64_t flip) {
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

  // Dilates along the rows; `from` is unchanged.
  void Row(uint64_t* from, const uint64_t* with, uint64_t flip, uint64_t* spare, uint64_t* out) {
    if (element_.radius > 1) {
      std::copy(from - layout_.guard, from + Words(), spare - layout_.guard);
      from = spare;
    }
    SpreadRow(layout_, from, element_.radius, with, flip, out);
  }

  SlabEdges Planes(uint64_t outside) const { return {first_, last_, outside}; }
  // Slabs are cut across rows only if there are no planes.
  SlabEdges Rows(uint64_t outside) const { return {first_ || rank_ == 3, last_ || rank_ == 3, outside}; }

  const SlabLayout& layout_;
  const Element& element_;
  const int rank_;
  const bool first_, last_;  // whether the slab is the image's first or last
  int free_count_ = 0;
  std::array<uint64_t*, kBuffers> free_;
};

// Runs the slabs: read(first line, layout, inversion, bits) fills the buffer with the lines of a slab;
// write(layout, bits, first line) stores the lines of the layout.
template <class Read, class Write>
void ForSlabs(const Grid& grid, const MorphologyOptions& options, const Read& read, const Write& write) {
  const Cut cut = CutAlong(grid);
  const Element element = MakeElement(cut, options);
  const int64_t halo = Halo(cut, element, options.op);
  const auto layout_of = [&](int64_t steps) {
    return cut.rank == 3 ? MakeSlabLayout(steps, cut.lines, cut.pixels, element.radius)
                         : MakeSlabLayout(1, steps, cut.pixels, element.radius);
  };
  const int64_t step_bytes = layout_of(1).PlaneWords() * 8;
  const int64_t thick = std::min(cut.steps, std::max({int64_t{1}, kSlabBytes / step_bytes, 8 * halo}));
  const int64_t slabs = (cut.steps - 1) / thick + 1;
  const int64_t thickness = (cut.steps - 1) / slabs + 1;
  const int64_t slab_pixels = CheckedProduct(thickness * cut.lines, cut.pixels);
  ParallelFor(cut.images * slabs, std::max<int64_t>(1, kChunkPixels / slab_pixels),
              [&](int64_t begin, int64_t end) {
                for (int64_t item = begin; item < end; ++item) {
                  const int64_t image = item / slabs * cut.steps, first = item % slabs * thickness;
                  const int64_t last = std::min(cut.steps, first + thickness);
                  if (first >= last) continue;
                  const int64_t from = std::max<int64_t>(0, first - halo);
                  const int64_t to = std::min(cut.steps, last + halo);
                  const SlabLayout layout = layout_of(to - from);
                  Slab slab(layout, element, cut.rank, from == 0, to == cut.steps);
                  read((image + from) * cut.lines, layout, Slab::Inversion(options.op), slab.source);
                  const uint64_t* bits = slab.Apply(options.op) + (first - from) * cut.lines * layout.stride;
                  write(layout_of(last - first), bits, (image + first) * cut.lines);
                }
              });
}

template <class T>
void Check(std::span<const T> mask, int64_t count, const MorphologyOptions& options, std::span<T> out,
           const char* name, const char* unit, const char* owner) {
  Require(std::ssize(mask) == count, name, ": expected ", count, " ", unit, ", got ", mask.size());
  Require(std::ssize(out) == count, "out: expected ", count, " ", unit, ", got ", out.size());
  CheckMorphology(options);
  const std::less<const T*> before;
  Require(!before(mask.data(), out.data() + count) || !before(out.data(), mask.data() + count),
          "out: must not overlap the ", owner, " memory");
}

}  // namespace

void Morphology(std::span<const uint8_t> mask, const Grid& grid, const MorphologyOptions& options,
                std::span<uint8_t> out) {
  Check(mask, grid.Count(), options, out, "mask", "pixels", "mask's");
  const auto& loops = BitsLoops();
  const bool streaming = std::ssize(out) >= kStreamingPixels;
  const auto unpack = streaming ? loops.unpack_streaming : loops.unpack;
  ForSlabs(
      grid, options,
      [&](int64_t line, const SlabLayout& layout, uint64_t inversion, uint64_t* bits) {
        loops.pack(mask.data() + line * layout.pixels, layout.pixels, layout.Lines(), inversion,
                   layout.stride, bits);
      },
      [&](const SlabLayout& layout, const uint64_t* bits, int64_t line) {
        unpack(bits, layout.stride, layout.pixels, layout.Lines(), out.data() + line * layout.pixels);
        if (streaming) loops.drain();
      });
}

void PackedMorphology(std::span<const uint64_t> words, const Grid& grid, const MorphologyOptions& options,
                      std::span<uint64_t> out) {
  Check(words, PackedWords(grid), options, out, "words", "words", "given words'");
  const auto& loops = BitsLoops();
  ForSlabs(
      grid, options,
      [&](int64_t line, const SlabLayout& layout, uint64_t inversion, uint64_t* bits) {
        loops.copy(words.data() + line * layout.words, layout.words, layout.words, layout.Lines(), inversion,
                   layout.stride, bits);
      },
      [&](const SlabLayout& layout, const uint64_t* bits, int64_t line) {
        uint64_t* to = out.data() + line * layout.words;
        loops.copy(bits, layout.stride, layout.words, layout.Lines(), 0, layout.words, to);
        const uint64_t pixels = kOnes >> (-layout.pixels & 63);
        if (pixels == kOnes) return;
        for (int64_t i = 1; i <= layout.Lines(); ++i) to[i * layout.words - 1] &= pixels;
      });
}

}  // namespace pixelcal::cpu
