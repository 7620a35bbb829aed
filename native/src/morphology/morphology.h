#pragma once

#include <cstdint>
#include <span>

#include "base/error.h"
#include "base/shape.h"

namespace pixelcal {

enum class MorphologyOp {
  kErosion,
  kDilation,
  kOpening,           // erosion, then dilation
  kClosing,           // dilation, then erosion
  kGradient,          // dilation minus erosion
  kInternalGradient,  // mask minus erosion
  kExternalGradient,  // dilation minus mask
};

// The shape of the element. kBox: all pixels within `radius` along every axis. kCross: only those on the axes
// (OpenCV's MORPH_CROSS; `iterations` of radius 1 give a diamond).
enum class Structure { kBox, kCross };

// The pixels outside the image. kNeutral never decides a result (OpenCV's default); replicating or reflecting
// the image gives the same, because the copied pixel lies inside the window of a symmetric element anyway.
// kZero and kOne are SciPy's border_value, which holds at every iteration.
enum class MorphologyBorder { kNeutral, kZero, kOne };

struct MorphologyOptions {
  MorphologyOp op = MorphologyOp::kErosion;
  Structure structure = Structure::kBox;
  int64_t radius = 1;      // >= 0
  int64_t iterations = 1;  // >= 1; each erosion and dilation of the operation is repeated this often
  MorphologyBorder border = MorphologyBorder::kNeutral;
};

// Throws for numbers that no operation has; every kernel that takes the options calls this first.
inline void CheckMorphology(const MorphologyOptions& options) {
  Require(options.radius >= 0, "radius: expected at least 0, got ", options.radius);
  Require(options.iterations >= 1, "iterations: expected at least 1, got ", options.iterations);
}

namespace cpu {

// Applies binary morphology to every image of the grid. In `mask` any nonzero value is set; `out` gets 0 or 1
// and must not overlap `mask`.
void Morphology(std::span<const uint8_t> mask, const Grid& grid, const MorphologyOptions& options,
                std::span<uint8_t> out);

// Applies binary morphology to masks packed by PackMask (morphology/packed_mask.h).
void PackedMorphology(std::span<const uint64_t> words, const Grid& grid, const MorphologyOptions& options,
                      std::span<uint64_t> out);

}  // namespace cpu

namespace cuda {

void Morphology(std::span<const uint8_t> mask, const Grid& grid, const MorphologyOptions& options,
                std::span<uint8_t> out);
void PackedMorphology(std::span<const uint64_t> words, const Grid& grid, const MorphologyOptions& options,
                      std::span<uint64_t> out);

}  // namespace cuda
}  // namespace pixelcal
