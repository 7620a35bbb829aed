#pragma once

// Tests of arrays with more than 2^31 elements (or, if memory does not allow that, bytes). They take minutes
// and up to 15 GiB, so they are a program of their own, which `npm run test:large` runs. Answers are known
// because the arrays repeat a pattern, or because nearly everything in them is 0.

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <new>
#include <span>
#include <string>

#include "base/error.h"
#include "base/shape.h"
#include "check.h"

namespace pixelcal::test {

// An array of zeros. The system provides a page only when it is written: an array that is read and hardly
// written takes no memory.
template <class T>
class Zeros {
 public:
  explicit Zeros(int64_t count) : bytes_(static_cast<size_t>(CheckedProduct(count, sizeof(T)))) {
    memory_ =
        mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
  }
  ~Zeros() { munmap(memory_, bytes_); }
  Zeros(const Zeros&) = delete;
  Zeros& operator=(const Zeros&) = delete;

  std::span<T> all() { return {static_cast<T*>(memory_), bytes_ / sizeof(T)}; }
  std::span<const T> values() const { return {static_cast<const T*>(memory_), bytes_ / sizeof(T)}; }
  T& operator[](int64_t at) { return all()[static_cast<size_t>(at)]; }

 private:
  size_t bytes_;
  void* memory_;
};

// Fills `whole` with copies of `part`.
template <class T>
void Repeat(std::span<const T> part, std::span<T> whole) {
  for (size_t at = 0; at < whole.size(); at += part.size())
    std::copy(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(at));
}

template <class T>
void CheckRepeats(std::span<const T> part, std::span<const T> whole) {
  int64_t wrong = 0, first = -1;
  for (size_t at = 0; at < whole.size(); at += part.size()) {
    if (std::memcmp(whole.data() + at, part.data(), part.size_bytes()) == 0) continue;
    if (wrong++ == 0) first = static_cast<int64_t>(at);
  }
  CHECK(wrong == 0, wrong, " of ", whole.size() / part.size(), " parts, the first at ", first);
}

inline double AvailableGibibytes() {
  std::ifstream info("/proc/meminfo");
  std::string word;
  double kibibytes = 0;
  while (info >> word)
    if (word == "MemAvailable:") info >> kibibytes;
  return kibibytes / (1 << 20);
}

// Runs a test in a process of its own, which then returns all memory, including the kernels' scratch.
inline void RunApart(const char* name, double gibibytes, void (*body)()) {
  const double available = AvailableGibibytes();
  if (available < gibibytes) {
    std::ostringstream reason;
    reason << "needs " << gibibytes << " GiB of memory, " << available << " are free";
    return Skip(reason.str());
  }
  const auto start = std::chrono::steady_clock::now();
  std::cout.flush();
  const pid_t child = fork();
  if (child == 0) {
    body();
    _exit(Failures() == 0 ? 0 : 1);
  }
  int status = 0;
  rusage usage{};
  CHECK(child > 0 && wait4(child, &status, 0, &usage) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, name, " ended with status ", status);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::cout << name << ": " << seconds.count() << " s, " << static_cast<double>(usage.ru_maxrss) / (1 << 20)
            << " GiB\n";
}

}  // namespace pixelcal::test

// LARGE_TEST(name, GiB it needs) { ... }
#define LARGE_TEST(name, gibibytes)                                            \
  static void Large##name();                                                   \
  static const pixelcal::test::Registration large_##name(                      \
      #name, [] { pixelcal::test::RunApart(#name, gibibytes, Large##name); }); \
  static void Large##name()
