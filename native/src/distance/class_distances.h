#pragma once

// Distances to every class of label maps, band by band: signed_distance.cc turns them into signed distances,
// boundary_soft_labels.cc into soft targets.

#include <cstdint>
#include <functional>
#include <optional>

#include "base/shape.h"
#include "base/span.h"
#include "distance/edt.h"

namespace pixelcal::internal {

// The extent of a class in an image: kFull if the image has no other class.
enum class Extent : uint8_t { kNone, kPart, kFull };

// Label maps as the transforms read them. The arrays are scratch of the thread that made them.
struct ClassMaps {
  const uint8_t* bytes;   // the labels; with more than 255 classes those of one group of them at a time,
  uint8_t* memory;        // written here
  const Extent* extents;  // [batch, classes]
};

// Reads label maps. Throws for labels that are neither a class nor `ignore`; pixels with `ignore` belong to
// no class.
ClassMaps ReadClasses(const LabelSpan& labels, const Grid& grid, int64_t classes,
                      std::optional<int64_t> ignore);

// Computes the distances of every pixel to the classes that are part of their images, in `form`, 0 inside:
// map c of image n starts at out[(n * classes + c) * pixels]. Calls after(image, band) on any thread once all
// maps of a band are finished, while it is in cache. With `near`, marks of the tiles of every image, other
// tiles have infinite distances, `form` is kRoot, and `reach` is that of FinishNear.
void ClassDistances(const LabelSpan& labels, const Grid& grid, int64_t classes, std::optional<int64_t> ignore,
                    const GridDistance& transform, const ClassMaps& maps, Form form, float* out,
                    const std::function<void(int64_t image, int64_t band)>& after,
                    const uint8_t* near = nullptr, int32_t reach = 0);

}  // namespace pixelcal::internal
