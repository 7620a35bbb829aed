#pragma once

#include <climits>
#include <memory>
#include <string>
#include <thread>

namespace pixelcal::test {

// Makes a deliberate fault, named by the sanitizer that must report it: only then is a run worth anything.
// Volatile, so that no compiler sees and removes it.
inline void PlantedFault(const std::string& sanitizer) {
  if (sanitizer == "address") {
    volatile size_t length = 16;
    const std::unique_ptr<char[]> block(new char[length]());
    volatile char behind = block[length];
    static_cast<void>(behind);
  } else if (sanitizer == "undefined") {
    volatile int largest = INT_MAX;
    volatile int sum = largest + 1;
    static_cast<void>(sum);
  } else if (sanitizer == "thread") {
    volatile int shared = 0;
    const auto count = [&shared] {
      for (int i = 0; i < 1000; ++i) shared = shared + 1;
    };
    std::thread other(count);
    count();
    other.join();
  }
}

}  // namespace pixelcal::test
