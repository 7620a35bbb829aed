#include <iostream>
#include <map>
#include <string>

#include "check.h"
#include "planted_fault.h"

int main(int argc, char** argv) {
  const std::string filter = argc > 1 ? argv[1] : "";
  if (filter == "--planted-fault" && argc > 2) {
    pixelcal::test::PlantedFault(argv[2]);
    return 0;
  }
  int passed = 0;
  int failed = 0;
  std::map<std::string, int> skipped;  // tests by reason
  for (const auto& test : pixelcal::test::Tests()) {
    if (test.name.find(filter) == std::string::npos) continue;
    const int before = pixelcal::test::Failures();
    pixelcal::test::SkipReason().clear();
    test.body();
    if (!pixelcal::test::SkipReason().empty()) {
      ++skipped[pixelcal::test::SkipReason()];
    } else if (pixelcal::test::Failures() == before) {
      ++passed;
    } else {
      ++failed;
      std::cerr << "FAILED " << test.name << "\n";
    }
  }
  // One line for all tests that lack the same thing.
  for (const auto& [reason, tests] : skipped)
    std::cout << "SKIPPED " << tests << " tests: " << reason << "\n";
  // The test command reads this line.
  std::cout << passed << " passed, " << failed << " failed, " << skipped.size() << " skipped\n";
  return failed > 0 || (passed == 0 && skipped.empty());
}
