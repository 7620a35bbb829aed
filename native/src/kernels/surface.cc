#include "kernels/surface.h"

#include <algorithm>
#include <cstdlib>

namespace pixelcal {
namespace {

// The mask inside the box with a border of one zero pixel before and after each axis in use, as 0 and 1.
std::vector<uint8_t> Crop(const uint8_t* mask, const Dhw& dhw, const Box& box, const Dhw& border) {
  const Dhw extent = box.Extent();
  const Dhw padded{extent[0] + 2 * border[0], extent[1] + 2 * border[1], extent[2] + 2 * border[2]};
  std::vector<uint8_t> crop(static_cast<size_t>(padded[0] * padded[1] * padded[2]), 0);
  for (int64_t z = 0; z < extent[0]; ++z) {
    for (int64_t y = 0; y < extent[1]; ++y) {
      const uint8_t* from = mask + ((box.first[0] + z) * dhw[1] + box.first[1] + y) * dhw[2] + box.first[2];
      uint8_t* to = crop.data() + ((z + border[0]) * padded[1] + y + border[1]) * padded[2] + border[2];
      for (int64_t x = 0; x < extent[2]; ++x) to[x] = from[x] != 0;
    }
  }
  return crop;
}

// Pixels of the mask with a neighbour outside it: the full 3^d neighbourhood, or only those that share a
// face.

}  // namespace

Box BoundingBox(const uint8_t* a, const uint8_t* b, const Dhw& dhw, bool* any_a, bool* any_b) {
  Box box;
  *any_a = *any_b = false;
  for (int64_t z = 0; z < dhw[0]; ++z) {
    for (int64_t y = 0; y < dhw[1]; ++y) {
      const int64_t row = (z * dhw[1] + y) * dhw[2];
      int64_t first = dhw[2], last = -1;
      for (int64_t x = 0; x < dhw[2]; ++x) {
        *any_a |= a[row + x] != 0;
        *any_b |= b[row + x] != 0;
        if (a[row + x] == 0 && b[row + x] == 0) continue;
        first = std::min(first, x);
        last = x;
      }
      if (last < 0) continue;
      const Dhw low{z, y, first}, high{z, y, last};
      for (size_t axis = 0; axis < 3; ++axis) {
        box.first[axis] = std::min(box.first[axis], low[axis]);
        box.last[axis] = std::max(box.last[axis], high[axis]);
      }
    }
  }
  return box;
}

Surface SurfacePixels(const uint8_t* mask, const Dhw& dhw, const Box& box, int rank, bool full) {
  const Dhw border{rank == 3, rank >= 2, 1};
  const std::vector<uint8_t> crop = Crop(mask, dhw, box, border);
  const Dhw extent = box.Extent();
  const int64_t width = extent[2] + 2 * border[2], plane = width * (extent[1] + 2 * border[1]);
  std::vector<int64_t> neighbours;
  for (int64_t z = -border[0]; z <= border[0]; ++z) {
    for (int64_t y = -border[1]; y <= border[1]; ++y) {
      for (int64_t x = -border[2]; x <= border[2]; ++x)
        if (full || std::abs(z) + std::abs(y) + std::abs(x) == 1)
          neighbours.push_back(z * plane + y * width + x);
    }
  }
  Surface surface{extent, std::vector<uint8_t>(static_cast<size_t>(extent[0] * extent[1] * extent[2]))};
  std::vector<uint8_t> core(static_cast<size_t>(extent[2]));
  for (int64_t z = 0; z < extent[0]; ++z) {
    for (int64_t y = 0; y < extent[1]; ++y) {
      const uint8_t* row = crop.data() + (z + border[0]) * plane + (y + border[1]) * width + border[2];
      std::fill(core.begin(), core.end(), uint8_t{1});
      for (const int64_t offset : neighbours) {
        for (int64_t x = 0; x < extent[2]; ++x) core[static_cast<size_t>(x)] &= row[x + offset];
      }
      uint8_t* to = surface.code.data() + (z * extent[1] + y) * extent[2];
      for (int64_t x = 0; x < extent[2]; ++x)
        to[x] = row[x] & static_cast<uint8_t>(~core[static_cast<size_t>(x)]);
    }
  }
  return surface;
}

Surface SurfaceCorners(const uint8_t* mask, const Dhw& dhw, const Box& box, int rank) {
  const Dhw border{rank == 3, 1, 1};
  const std::vector<uint8_t> crop = Crop(mask, dhw, box, border);
  const Dhw extent = box.Extent();
  const Dhw size{extent[0] + border[0], extent[1] + 1, extent[2] + 1};
  const int64_t width = extent[2] + 2, plane = width * (extent[1] + 2);
  const int full = rank == 3 ? 255 : 15;
  Surface surface{size, std::vector<uint8_t>(static_cast<size_t>(size[0] * size[1] * size[2]))};
  for (int64_t z = 0; z < size[0]; ++z) {
    for (int64_t y = 0; y < size[1]; ++y) {
      for (int64_t x = 0; x < size[2]; ++x) {
        int code = 0;
        for (int64_t dz = 0; dz <= border[0]; ++dz) {
          const uint8_t* at = crop.data() + (z + dz) * plane + y * width + x;
          code = code << 4 | at[0] << 3 | at[1] << 2 | at[width] << 1 | at[width + 1];
        }
        surface.code[static_cast<size_t>((z * size[1] + y) * size[2] + x)] =
            static_cast<uint8_t>(code == full ? 0 : code);
      }
    }
  }
  return surface;
}

}  // namespace pixelcal
