#include "scoring/region_cases.h"

#include <cstdint>
#include <cstring>
#include <vector>

#include "check.h"
#include "probability_case.h"

namespace pixelcal::test {
namespace {

// The slow twin, pixel by pixel.
void Twin(const ProbabilityCase& made, const RegionMaps& maps, std::vector<float>& probs,
          std::vector<uint8_t>& labels) {
  for (size_t region = 0; region < maps.sums.size(); ++region)
    for (int64_t i = 0; i < maps.pixels; ++i) {
      float sum = 0;
      for (const int64_t channel : maps.sums[region]) sum += made.probs[channel * maps.pixels + i];
      if (sum > 1 && static_cast<double>(sum) < 1 + 1e-5) sum = 1;
      float* to = probs.data() + 2 * static_cast<int64_t>(region) * maps.pixels + i;
      to[0] = static_cast<float>(1 - static_cast<double>(sum));
      to[maps.pixels] = sum;
      uint8_t& label = labels[static_cast<int64_t>(region) * maps.pixels + i];
      label = 0;
      for (const int64_t member : maps.members[region]) label |= made.labels[i] == member;
      if (maps.ignore && made.labels[i] == *maps.ignore) label = 255;
    }
}

TEST(RegionCasesEqualTheTwin) {
  for (const int64_t pixels : {int64_t{1}, int64_t{2047}, int64_t{40001}})
    for (const bool half : {false, true})
      for (const bool ignores : {false, true}) {
        const ProbabilityCase made = MakeCase(1, 4, pixels, 9, half);
        const ProbabilityMaps source = made.Maps(false, false);
        // The last two have so many labels that they are looked up, or would be but for a large one.
        RegionMaps maps{
            source.probs,
            source.labels,
            4,
            pixels,
            {},
            {{1, 2, 3}, {3}, {}, {0}, {1}},
            {{1, 2, 3}, {3, 77}, {0}, {1, 3, 5, 7, 9, 11, 13, 15, 17}, {0, 2, 4, 6, 8, 10, 12, 14, 1000000}}};
        if (ignores) maps.ignore = ProbabilityCase::kIgnored;
        std::vector<float> expected(static_cast<size_t>(10 * pixels));
        std::vector<uint8_t> expected_labels(static_cast<size_t>(5 * pixels));
        Twin(made, maps, expected, expected_labels);
        EverywhereAtAnyThreadCount([&] {
          std::vector<float> probs(expected.size());
          std::vector<uint8_t> labels(expected_labels.size());
          cpu::RegionCases(maps, probs, labels);
          CHECK(std::memcmp(probs.data(), expected.data(), probs.size() * sizeof(float)) == 0, pixels);
          CHECK(labels == expected_labels, pixels);
          std::vector<uint8_t> masks(expected_labels.size());
          cpu::RegionMasks(maps.labels, maps.ignore, maps.members, masks);
          CHECK(masks == expected_labels, pixels);
        });
      }
}

TEST(RegionCasesRefuseChannelsThatAreMissing) {
  const ProbabilityCase made = MakeCase(1, 2, 3, 1);
  const ProbabilityMaps source = made.Maps(false, false);
  std::vector<float> probs(6);
  std::vector<uint8_t> labels(3);
  RegionMaps maps{source.probs, source.labels, 2, 3, {}, {{2}}, {{1}}};
  CHECK_THROWS(cpu::RegionCases(maps, probs, labels), "sums: expected channels 0 to 1, got 2");
  maps.sums = {{1}, {0}};
  CHECK_THROWS(cpu::RegionCases(maps, probs, labels), "members: expected 2 lists, got 1");
  maps.sums = {{1}};
  maps.pixels = 4;
  CHECK_THROWS(cpu::RegionCases(maps, probs, labels), "probs: expected 8 values, got 6");
  CHECK_THROWS(cpu::RegionMasks(maps.labels, {}, std::vector<std::vector<int64_t>>{{1}, {0}}, labels),
               "masks: expected room for 6 pixels, got 3");
}

}  // namespace
}  // namespace pixelcal::test
