#include "check.h"

int main(int argc, char** argv) {
  const std::string filter = argc > 1 ? argv[1] : "";
  int run = 0;
  for (const auto& test : pixelcal::test::Tests()) {
    if (test.name.find(filter) == std::string::npos) continue;
    const int before = pixelcal::test::Failures();
    test.body();
    ++run;
    if (pixelcal::test::Failures() > before) std::cerr << "FAILED " << test.name << "\n";
  }
  std::cout << run << " tests, " << pixelcal::test::Failures() << " failed checks\n";
  return run == 0 || pixelcal::test::Failures() > 0;
}
