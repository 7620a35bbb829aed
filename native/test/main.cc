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
  int skipped = 0;
  for (const auto& test : pixelcal::test::Tests()) {
    if (test.name.find(filter) == std::string::npos) continue;
    const int before = pixelcal::test::Failures();
    pixelcal::test::SkipReason().clear();
    test.body();
    if (!pixelcal::test::SkipReason().empty()) {
      ++skipped;
      std::cout << "SKIPPED " << test.name << ": " << pixelcal::test::SkipReason() << "\n";
    } else if (pixelcal::test::Failures() == before) {
      ++passed;
    } else {
      ++failed;
      std::cerr << "FAILED " << test.name << "\n";
    }
  }
  // The test command reads this line.
  std::cout << passed << " passed, " << failed << " failed, " << skipped << " skipped\n";
  return failed > 0 || passed + skipped == 0;
}
