// Lengths and areas of the surface in a cell of 2^rank pixels, for each of the 16 or 256 ways its corners can
// be inside: marching squares, and marching cubes (Lorensen & Cline 1987) whose polygons are traced from the
// cuts of the six faces and triangulated to the largest area, as DeepMind's surface-distance counts. The
// table is made once per spacing.
#include "surface/surface_elements.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace pixelcal {
namespace {

using Point = std::array<double, 3>;

Point Cross(const Point& a, const Point& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

// Scaling by a power of two rounds nothing and keeps squares of small numbers from vanishing.
double Norm(const Point& p) {
  const double most = std::max({std::abs(p[0]), std::abs(p[1]), std::abs(p[2])});
  if (most == 0) return 0;
  const int exponent = std::ilogb(most);
  double square = 0;
  for (const double length : p) square += std::scalbn(length, -exponent) * std::scalbn(length, -exponent);
  return std::scalbn(std::sqrt(square), exponent);
}

// Returns the normal of a triangle; its length is proportional to the area.
Point Normal(const Point& a, const Point& b, const Point& c) {
  const Point n = Cross({b[0] - a[0], b[1] - a[1], b[2] - a[2]}, {c[0] - a[0], c[1] - a[1], c[2] - a[2]});
  return {n[0] / 2, n[1] / 2, n[2] / 2};
}

// Returns the triangles of the largest triangulation of polygon[first..last], as their normals.
std::vector<Point> LargestTriangulation(const std::vector<Point>& polygon, size_t first, size_t last,
                                        double* area) {
  std::vector<Point> best;
  *area = 0;
  if (last - first < 2) return best;
  *area = -1;
  for (size_t middle = first + 1; middle < last; ++middle) {
    double left = 0, right = 0;
    auto normals = LargestTriangulation(polygon, first, middle, &left);
    const auto rest = LargestTriangulation(polygon, middle, last, &right);
    normals.insert(normals.end(), rest.begin(), rest.end());
    normals.push_back(Normal(polygon[first], polygon[middle], polygon[last]));
    const double total = left + right + Norm(normals.back());
    if (total <= *area + 1e-9) continue;
    *area = total;
    best = std::move(normals);
  }
  return best;
}

using Segment = std::pair<Point, Point>;

bool Inside(int code, const std::array<int, 3>& corner) {
  return code >> (7 - (corner[0] * 4 + corner[1] * 2 + corner[2])) & 1;
}

// Returns the cuts of the surface with the six faces of the cell; a separated inside corner is cut off by one
// segment.
std::vector<Segment> FaceSegments(int code) {
  constexpr int kRound[4][2] = {{0, 0}, {0, 1}, {1, 1}, {1, 0}};
  std::vector<Segment> segments;
  for (int axis = 0; axis < 3; ++axis) {
    for (int side = 0; side < 2; ++side) {
      std::array<int, 3> corners[4];
      bool inside[4];
      Point cut[4];  // midpoint of the edge from corner i to corner i + 1
      int cuts = 0;
      for (int i = 0; i < 4; ++i) {
        corners[i][axis] = side;
        corners[i][(axis + 1) % 3] = kRound[i][0];
        corners[i][(axis + 2) % 3] = kRound[i][1];
        inside[i] = Inside(code, corners[i]);
      }
      for (int i = 0; i < 4; ++i) {
        for (int k = 0; k < 3; ++k) cut[i][k] = (corners[i][k] + corners[(i + 1) % 4][k]) / 2.0;
        cuts += inside[i] != inside[(i + 1) % 4];
      }
      if (cuts == 4) {
        for (int i = 0; i < 4; ++i)
          if (inside[i]) segments.push_back({cut[(i + 3) % 4], cut[i]});
      } else if (cuts == 2) {
        std::vector<Point> ends;
        for (int i = 0; i < 4; ++i)
          if (inside[i] != inside[(i + 1) % 4]) ends.push_back(cut[i]);
        segments.push_back({ends[0], ends[1]});
      }
    }
  }
  return segments;
}

// Joins the segments, end to end, into closed polygons.
std::vector<std::vector<Point>> Polygons(std::vector<Segment> segments) {
  std::vector<std::vector<Point>> polygons;
  while (!segments.empty()) {
    std::vector<Point> polygon{segments.back().first};
    Point end = segments.back().second;
    segments.pop_back();
    while (end != polygon.front()) {
      polygon.push_back(end);
      for (size_t i = 0; i < segments.size(); ++i) {
        if (segments[i].first != end && segments[i].second != end) continue;
        end = segments[i].first == end ? segments[i].second : segments[i].first;
        segments.erase(segments.begin() + static_cast<std::ptrdiff_t>(i));
        break;
      }
    }
    polygons.push_back(std::move(polygon));
  }
  return polygons;
}

// Returns the triangles of every code in a unit cell, as their normals.
const std::array<std::vector<Point>, 256>& UnitTriangles() {
  static const auto table = [] {
    std::array<std::vector<Point>, 256> all;
    for (int code = 1; code < 255; ++code) {
      const int minority = std::popcount(static_cast<unsigned>(code)) <= 4 ? code : 255 - code;
      for (const auto& polygon : Polygons(FaceSegments(minority))) {
        double area;
        for (const Point& normal : LargestTriangulation(polygon, 0, polygon.size() - 1, &area))
          all[static_cast<size_t>(code)].push_back(normal);
      }
    }
    return all;
  }();
  return table;
}

}  // namespace

std::vector<double> SurfaceElementSizes(int rank, const std::array<double, 3>& spacing) {
  Require(rank == 2 || rank == 3, "size: expected 2 or 3 spatial dimensions for surface elements, got ",
          rank);
  if (rank == 2) {
    const double diagonal = std::sqrt(spacing[0] * spacing[0] + spacing[1] * spacing[1]) / 2;
    std::vector<double> lengths(16, diagonal);
    lengths[0b0000] = lengths[0b1111] = 0;
    lengths[0b0011] = lengths[0b1100] = spacing[1];
    lengths[0b0101] = lengths[0b1010] = spacing[0];
    lengths[0b0110] = lengths[0b1001] = 2 * diagonal;
    return lengths;
  }
  std::vector<double> areas(256, 0.0);
  for (size_t code = 0; code < 256; ++code) {
    for (const Point& normal : UnitTriangles()[code]) {
      areas[code] += Norm({normal[0] * spacing[1] * spacing[2], normal[1] * spacing[0] * spacing[2],
                           normal[2] * spacing[0] * spacing[1]});
    }
  }
  return areas;
}

}  // namespace pixelcal
