// Binary morphology on bits, 64 pixels per word. Images are cut into slabs of rows (planes of a volume) that
// stay in the caches: a slab and the neighbours that its result depends on are packed, the whole operation
// runs on the bits (morphology/slab_morphology.h), and the result is unpacked. Memory is thus read and
// written once, whatever the operation.
#include "morphology/morphology.h"

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "base/parallel.h"
#include "morphology/bit_loops.h"
#include "morphology/packed_mask.h"
#include "morphology/packing_loops.h"
#include "morphology/slab_morphology.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kSlabBytes = 16 << 10;       // size of one buffer of bits: the buffers in use fit L1 and L2
constexpr int64_t kChunkPixels = 64 << 10;     // the least work worth handing to another thread
constexpr int64_t kStreamingPixels = 8 << 20;  // input and output of this size exceed the caches

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

SlabElement MakeElement(const Cut& cut, const MorphologyOptions& options) {
  // Beyond the largest side nothing changes.
  const int64_t side = cut.rank == 1 ? cut.pixels : std::max({cut.steps, cut.lines, cut.pixels});
  SlabElement element{options.structure, std::min(options.radius, side), options.iterations,
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
int64_t Halo(const Cut& cut, const SlabElement& element, MorphologyOp op) {
  if (cut.rank == 1 || element.radius == 0) return 0;
  const int64_t stages = TwoStages(op) ? 2 : 1;
  return element.iterations >= cut.steps / element.radius / stages
             ? cut.steps
             : element.radius * element.iterations * stages;
}

// Runs the slabs: read(first line, layout, inversion, bits) fills the buffer with the lines of a slab;
// write(layout, bits, first line) stores the lines of the layout.
template <class Read, class Write>
void ForSlabs(const Grid& grid, const MorphologyOptions& options, const Read& read, const Write& write) {
  const Cut cut = CutAlong(grid);
  const SlabElement element = MakeElement(cut, options);
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
  const auto& loops = PackingLoops();
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
