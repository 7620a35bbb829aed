// Bin edges from order statistics on the device, by counting digits as on the CPU (equal_mass.cc; most
// significant digit radix selection, Knuth, The Art of Computer Programming 3, 5.2.5). The keys of all groups
// are made once and stay on the device. A block counts a chunk of keys for up to 12 nodes of one group in
// shared memory and adds the nonzero counts to the node's; the host walks the counts. Integer counts in any
// order give the edges of the CPU. O(3 pixels x groups) for up to 12 inner edges, as much again for every 12
// more; 4 bytes of memory per pixel and group. Run on the emulator only.
#include "calibration/cuda_probabilities.h"
#include "calibration/equal_mass.h"

namespace pixelcal::cuda {
namespace {

using internal::DigitNode;
using internal::DigitOf;
using internal::kDigitValues;

constexpr int64_t kChunkPixels = 65536;
constexpr int64_t kTables = static_cast<int64_t>(kSharedBytes) / (kDigitValues * 4);  // in shared memory
constexpr int64_t kNodesAtOnce = 4096;

// Writes the bits of the counted scores, group g's pixel i at keys[g * group_pixels + i], else kNoKey.
template <class Value>
__global__ void MakeKeys(DeviceMaps<Value> maps, Score score, int64_t groups, float threshold,
                         int64_t group_pixels, uint32_t* keys, Finding* finding) {
  const int64_t pixels = maps.images * maps.pixels;
  ForItems(groups * pixels, [&](int64_t i) {
    const int64_t group = i / pixels, image = i % pixels / maps.pixels, pixel = i % maps.pixels;
    const int code = maps.Code(image, pixel);
    bool hit, valid;
    const float p = ScoreOf(maps, score, group, image, pixel, code, &hit, &valid);
    if (!valid) Find(finding, pixel);
    const uint32_t bits = __float_as_uint(p) & 0x7fffffffu;  // -0 is 0
    keys[group * group_pixels + i % pixels] = code >= 0 && valid && p > threshold ? bits : internal::kNoKey;
  });
}

// A run of nodes of one group.
struct Run {
  int64_t group, first, count;
};

// Each block counts a chunk of keys for one run. `next` has the followers of every node; `counts` start at
// node `base`.
__global__ void CountDigits(const uint32_t* keys, int64_t group_pixels, int depth, const int32_t* next,
                            const Run* runs, int64_t run_count, int64_t base, unsigned long long* counts) {
  unsigned* tables = reinterpret_cast<unsigned*>(SharedBytes());
  const int64_t chunks = (group_pixels - 1) / kChunkPixels + 1;
  for (int64_t item = blockIdx.x; item < chunks * run_count; item += gridDim.x) {
    const Run run = runs[item % run_count];
    const int64_t begin = item / run_count * kChunkPixels, end = Least(group_pixels, begin + kChunkPixels);
    const int cells = static_cast<int>(run.count) * kDigitValues;
    for (int i = threadIdx.x; i < cells; i += blockDim.x) tables[i] = 0;
    __syncthreads();
    for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
      const uint32_t key = keys[run.group * group_pixels + i];
      int64_t node = 1 + run.group;
      for (int digit = 0; digit < depth; ++digit) node = next[node * kDigitValues + DigitOf(key, digit)];
      const int64_t table = node - run.first;
      if (table >= 0 && table < run.count) atomicAdd(&tables[table * kDigitValues + DigitOf(key, depth)], 1u);
    }
    __syncthreads();
    unsigned long long* to = counts + (run.first - base) * kDigitValues;
    for (int i = threadIdx.x; i < cells; i += blockDim.x)
      if (tables[i] != 0) atomicAdd(to + i, static_cast<unsigned long long>(tables[i]));
    __syncthreads();
  }
}

class Counter {
 public:
  Counter(const uint32_t* keys, int64_t group_pixels) : keys_(keys), group_pixels_(group_pixels) {}

  void operator()(std::vector<DigitNode>& nodes, int depth, int64_t first) const {
    std::vector<int32_t> next;
    for (const DigitNode& node : nodes) next.insert(next.end(), node.next.begin(), node.next.end());
    Stream stream;
    const int32_t* followers = stream.In(next);
    for (int64_t base = first; base < std::ssize(nodes); base += kNodesAtOnce)
      Count(stream, nodes, depth, followers, base, std::min(base + kNodesAtOnce, std::ssize(nodes)));
  }

 private:
  void Count(Stream& stream, std::vector<DigitNode>& nodes, int depth, const int32_t* next, int64_t first,
             int64_t last) const {
    std::vector<Run> runs;
    for (int64_t at = first; at < last; ++at) {
      const int64_t group = nodes[static_cast<size_t>(at)].group;
      if (runs.empty() || runs.back().group != group || runs.back().count == kTables)
        runs.push_back({group, at, 0});
      ++runs.back().count;
    }
    if (runs.empty()) return;
    const auto run_count = std::ssize(runs);
    const int64_t chunks = (group_pixels_ - 1) / kChunkPixels + 1, cells = (last - first) * kDigitValues;
    auto* counts = stream.Zeros<unsigned long long>(cells);
    Launch("CountDigits", CountDigits, std::min<int64_t>(CheckedProduct(chunks, run_count), 1 << 20),
           kItemThreads, kSharedBytes, stream, keys_, group_pixels_, depth, next, stream.In(runs), run_count,
           first, counts);
    const auto found = stream.Read(counts, cells);
    for (int64_t at = 0; at < cells; ++at)
      nodes[static_cast<size_t>(first + at / kDigitValues)].count[static_cast<size_t>(at % kDigitValues)] +=
          static_cast<int64_t>(found[static_cast<size_t>(at)]);
  }

  const uint32_t* keys_;
  int64_t group_pixels_;
};

template <class Value>
void ReadKeys(const ProbabilityMaps& maps, const CalibrationOptions& options, int64_t groups, uint32_t* keys,
              Findings& findings) {
  const int64_t group_pixels = maps.batch * maps.pixels;
  ForPieces(maps.batch, BytesPerImage(maps), [&](Stream& stream, int64_t first, int64_t images) {
    Finding* finding = findings.Add(stream);
    const DeviceMaps<Value> piece = ReadMaps<Value>(stream, maps, first, images, finding);
    if (options.score == Score::kForeground)
      LaunchItems("FindBadValues", FindBadValues<Value>, images * maps.classes * maps.pixels, stream, piece,
                  finding);
    LaunchItems("MakeKeys", MakeKeys<Value>, groups * images * maps.pixels, stream, piece, options.score,
                groups, options.threshold, group_pixels, keys + first * maps.pixels, finding);
  });
}

}  // namespace

void EqualMassEdges(const ProbabilityMaps& maps, const CalibrationOptions& options, std::span<double> edges) {
  internal::CheckEqualMass(maps, options, edges);
  const int64_t groups = cpu::CalibrationGroups(options.score, maps.classes);
  const int64_t group_pixels = maps.batch * maps.pixels;
  const DeviceMemory memory(static_cast<size_t>(CheckedProduct(CheckedProduct(groups, group_pixels), 4)));
  auto* keys = static_cast<uint32_t*>(memory.data());
  Findings findings;
  std::visit(
      [&](auto values) {
        using Value = std::remove_const_t<typename decltype(values)::element_type>;
        ReadKeys<Value>(maps, options, groups, keys, findings);
      },
      maps.probs);
  std::vector<double> found(edges.size());
  HostCopies copies;
  if (findings.Any()) cpu::EqualMassEdges(OnHost(maps, copies), options, found);  // throws, saying which
  internal::SelectEdges(maps, options, Counter(keys, group_pixels), found);
  if (!OnDevice(edges.data())) {
    std::copy(found.begin(), found.end(), edges.begin());
    return;
  }
  Stream stream;
  stream.Upload(found.data(), edges.data(), edges.size_bytes());
  stream.Wait();
}

}  // namespace pixelcal::cuda
