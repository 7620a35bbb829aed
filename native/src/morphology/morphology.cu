// Binary morphology on the device, on bits: 32 pixels of a row in a word. Erosion is dilation of the
// complement, so one primitive suffices: out = OR over a window along one axis. A box is separable into its
// axes; a cross is the OR of its arms. A window grows by three-point ORs, out(i) = in(i - s) | in(i) | in(i +
// s), whose step s may be up to twice the radius so far plus one: radius r takes log3(2 r + 1) passes over an
// eighth of a byte per pixel. Indices outside are clamped, which never reads a pixel outside the window.
// Tested on an emulator, never yet run on a GPU.
#include "morphology/cuda_bit_rows.h"
#include "morphology/cuda_morphology.h"
#include "morphology/morphology.h"
#include "morphology/packed_mask.h"

namespace pixelcal::cuda {
namespace {

__global__ void InvertBits(unsigned* bits, int64_t count) {
  ForItems(count, [&](int64_t i) { bits[i] = ~bits[i]; });
}

__global__ void OrBits(const unsigned* bits, int64_t count, unsigned* into) {
  ForItems(count, [&](int64_t i) { into[i] |= bits[i]; });
}

// Returns word `at` of a row, whose first and last pixel repeat outside.
__device__ unsigned RowWord(const unsigned* row, int64_t at, const BitRows& shape) {
  if (at < 0) return row[0] & 1 ? kAllLanes : 0;
  const int last_bit = static_cast<int>((shape.width - 1) % kWarp);
  const int64_t last = shape.words - 1;
  const unsigned word = row[Least(at, last)];
  if (at < last) return word;
  const unsigned beyond = word >> last_bit & 1 ? kAllLanes : 0;
  if (at > last) return beyond;
  const unsigned inside = kAllLanes >> (kWarp - 1 - last_bit);
  return (word & inside) | (beyond & ~inside);
}

// Dilates along the rows. `edge` pixels at both ends of a line are set, because their windows reach set
// pixels outside.
__global__ void SpreadInRows(const unsigned* in, BitRows shape, int64_t step, int64_t edge, unsigned* out) {
  const int64_t whole = step / kWarp;
  const auto part = static_cast<unsigned>(step % kWarp);
  ForItems(shape.rows * shape.words, [&](int64_t i) {
    const int64_t at = i % shape.words;
    const unsigned* row = in + (i - at);
    unsigned word = RowWord(row, at, shape);
    word |= __funnelshift_r(RowWord(row, at + whole, shape), RowWord(row, at + whole + 1, shape), part);
    word |= __funnelshift_l(RowWord(row, at - whole - 1, shape), RowWord(row, at - whole, shape), part);
    if (edge > 0) {
      for (int bit = 0; bit < kWarp; ++bit) {
        const int64_t x = at * kWarp + bit;
        if (x < edge || x >= shape.width - edge) word |= 1u << bit;
      }
    }
    out[i] = word;
  });
}

// Dilates along another axis, of `size` words `inner` apart.
__global__ void SpreadAcrossRows(const unsigned* in, int64_t count, int64_t size, int64_t inner, int64_t step,
                                 int64_t edge, unsigned* out) {
  ForItems(count, [&](int64_t i) {
    const int64_t at = i / inner % size;
    const int64_t before = Least(step, at), after = Least(step, size - 1 - at);
    unsigned word = in[i] | in[i - before * inner] | in[i + after * inner];
    if (at < edge || at >= size - edge) word = kAllLanes;
    out[i] = word;
  });
}

// The masks in bytes, or in bits as PackedRows.
template <class Byte, class Word>
struct EitherMasks {
  Byte* bytes;
  Word* packed;
};
using InMasks = EitherMasks<const uint8_t, const unsigned>;
using OutMasks = EitherMasks<uint8_t, unsigned>;

class Morpher {
 public:
  Morpher(Stream& stream, const InMasks& masks, const Grid& grid, const MorphologyOptions& options)
      : stream_(stream),
        masks_(masks),
        grid_(grid),
        options_(options),
        shape_(TightRows(grid)),
        packed_(PackedRows(grid)) {
    int64_t extent = 1, sum = 0;
    for (size_t axis = 0; axis < static_cast<size_t>(grid.rank); ++axis) {
      extent = std::max(extent, grid.size[axis]);
      sum += grid.size[axis];
    }
    radius_ = std::min(options.radius, extent);
    // All reachable pixels are reached in as many steps as the image is long.
    iterations_ = radius_ == 0 ? 1 : std::min(options.iterations, sum);
    if (options.structure == Structure::kBox && iterations_ > 1) {
      // A repeated box is a larger box, for every border rule: outside pixels keep their value.
      radius_ = iterations_ > extent / radius_ ? extent : radius_ * iterations_;
      iterations_ = 1;
    }
  }

  void Run(const OutMasks& out) {
    switch (options_.op) {
      case MorphologyOp::kErosion:
        return Unpack(Erode(), true, nullptr, false, out);
      case MorphologyOp::kDilation:
        return Unpack(Dilate(), false, nullptr, false, out);
      case MorphologyOp::kOpening:
        return Unpack(DilateBits(Invert(Erode()), DilationOutside()), false, nullptr, false, out);
      case MorphologyOp::kClosing:
        return Unpack(DilateBits(Invert(Dilate()), ErosionOutside()), true, nullptr, false, out);
      case MorphologyOp::kInternalGradient:
        return Unpack(Erode(), false, Pack(false), false, out);
      case MorphologyOp::kExternalGradient:
        return Unpack(Dilate(), false, Pack(false), true, out);
      case MorphologyOp::kGradient:
        return Unpack(Dilate(), false, Erode(), false, out);
    }
  }

 private:
  bool DilationOutside() const { return options_.border == MorphologyBorder::kOne; }
  bool ErosionOutside() const { return options_.border == MorphologyBorder::kZero; }
  unsigned* Bits() { return stream_.Allocate<unsigned>(shape_.Count()); }

  unsigned* Pack(bool flip) {
    unsigned* bits = Bits();
    if (masks_.packed)
      CombineRows(stream_, masks_.packed, flip, nullptr, false, packed_, shape_, bits);
    else
      PackRows(stream_, masks_.bytes, shape_, flip, bits);
    return bits;
  }
  void Unpack(const unsigned* a, bool flip_a, const unsigned* b, bool flip_b, const OutMasks& out) {
    if (out.packed)
      CombineRows(stream_, a, flip_a, b, flip_b, shape_, packed_, out.packed);
    else
      UnpackRows(stream_, a, flip_a, b, flip_b, shape_, out.bytes);
  }
  unsigned* Invert(unsigned* bits) {
    LaunchItems("InvertBits", InvertBits, shape_.Count(), stream_, bits, shape_.Count());
    return bits;
  }

  unsigned* Dilate() { return DilateBits(Pack(false), DilationOutside()); }
  // Returns the complement of the erosion.
  unsigned* Erode() { return DilateBits(Pack(true), ErosionOutside()); }

  unsigned* DilateBits(unsigned* bits, bool outside) {
    if (options_.structure == Structure::kBox) {
      unsigned* spare = Bits();
      for (int axis = grid_.rank - 1; axis >= 0; --axis) Spread(axis, outside, bits, spare);
      return bits;
    }
    unsigned *arms = Bits(), *arm = Bits(), *spare = Bits();
    const auto bytes = static_cast<size_t>(shape_.Count()) * sizeof(unsigned);
    for (int64_t round = 0; round < iterations_; ++round) {
      for (int axis = 0; axis < grid_.rank; ++axis) {
        unsigned*& target = axis == 0 ? arms : arm;
        PIXELCAL_CUDA(cudaMemcpyAsync, target, bits, bytes, cudaMemcpyDeviceToDevice, stream_.get());
        Spread(axis, outside, target, spare);
        if (axis > 0) LaunchItems("OrBits", OrBits, shape_.Count(), stream_, arm, shape_.Count(), arms);
      }
      std::swap(bits, arms);
    }
    return bits;
  }

  // ORs the window along one axis; the result is in `bits`, which is swapped with `spare` as needed.
  void Spread(int axis, bool outside, unsigned*& bits, unsigned*& spare) {
    const int64_t size = grid_.size[static_cast<size_t>(axis)], radius = std::min(radius_, size);
    int64_t inner = shape_.words;
    for (int a = axis + 1; a < grid_.rank - 1; ++a) inner *= grid_.size[static_cast<size_t>(a)];
    for (int64_t reached = 0; reached < radius;) {
      const int64_t step = std::min(2 * reached + 1, radius - reached);
      reached += step;
      const int64_t edge = outside && reached == radius ? radius : 0;
      if (axis == grid_.rank - 1)
        LaunchItems("SpreadInRows", SpreadInRows, shape_.Count(), stream_, bits, shape_, step, edge, spare);
      else
        LaunchItems("SpreadAcrossRows", SpreadAcrossRows, shape_.Count(), stream_, bits, shape_.Count(), size,
                    inner, step, edge, spare);
      std::swap(bits, spare);
    }
  }

  Stream& stream_;
  InMasks masks_;
  const Grid& grid_;
  const MorphologyOptions& options_;
  BitRows shape_, packed_;
  int64_t radius_, iterations_;
};

}  // namespace

void Morphologies(Stream& stream, const uint8_t* masks, const Grid& grid, const MorphologyOptions& options,
                  uint8_t* out) {
  Morpher(stream, {masks, nullptr}, grid, options).Run({out, nullptr});
}

void Morphology(std::span<const uint8_t> mask, const Grid& grid, const MorphologyOptions& options,
                std::span<uint8_t> out) {
  const int64_t count = grid.Count(), pixels = grid.Pixels();
  Require(std::ssize(mask) == count, "mask: expected ", count, " pixels, got ", mask.size());
  Require(std::ssize(out) == count, "out: expected ", count, " pixels, got ", out.size());
  CheckMorphology(options);
  ForPieces(grid, HostBytes(mask) + HostBytes(out), [&](Stream& stream, int64_t first, const Grid& piece) {
    const uint8_t* masks = stream.In(Part(mask, first * pixels, piece.batch * pixels));
    Morphologies(stream, masks, piece, options, stream.Out(Part(out, first * pixels, piece.batch * pixels)));
  });
}

void PackedMorphology(std::span<const uint64_t> words, const Grid& grid, const MorphologyOptions& options,
                      std::span<uint64_t> out) {
  const int64_t count = PackedWords(grid), image = count / grid.batch;
  Require(std::ssize(words) == count, "words: expected ", count, " words, got ", words.size());
  Require(std::ssize(out) == count, "out: expected ", count, " words, got ", out.size());
  CheckMorphology(options);
  ForPieces(grid, HostBytes(words) + HostBytes(out), [&](Stream& stream, int64_t first, const Grid& piece) {
    const uint64_t* from = stream.In(Part(words, first * image, piece.batch * image));
    uint64_t* to = stream.Out(Part(out, first * image, piece.batch * image));
    Morpher(stream, {nullptr, reinterpret_cast<const unsigned*>(from)}, piece, options)
        .Run({nullptr, reinterpret_cast<unsigned*>(to)});
  });
}

}  // namespace pixelcal::cuda
