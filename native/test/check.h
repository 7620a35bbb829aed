#pragma once

#include <cmath>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

// A test is `TEST(Name) { CHECK(...); }` in any file of this folder; main (main.cc) runs them all, or those
// whose names contain its first argument, and fails when a check failed.
namespace pixelcal::test {

struct Test {
  std::string name;
  void (*body)();
};

inline std::vector<Test>& Tests() {
  static std::vector<Test> tests;
  return tests;
}

// Returns the reason for which the running test counts as skipped; a test sets it to be skipped.
inline std::string& SkipReason() {
  static std::string reason;
  return reason;
}
inline void Skip(const std::string& reason) { SkipReason() = reason; }

inline int& Failures() {
  static int failures = 0;
  return failures;
}

struct Registration {
  Registration(std::string name, void (*body)()) { Tests().push_back({std::move(name), body}); }
};

template <class... Parts>
void Check(bool ok, const char* file, int line, const char* expression, const Parts&... parts) {
  if (ok) return;
  if (++Failures() > 20) return;
  std::ostringstream text;
  text << file << ":" << line << ": " << expression << " failed";
  if constexpr (sizeof...(parts) > 0) (text << ": " << ... << parts);
  std::cerr << text.str() << "\n";
}

}  // namespace pixelcal::test

#define TEST(name)                                                                  \
  static void Test##name();                                                         \
  static const pixelcal::test::Registration registration_##name(#name, Test##name); \
  static void Test##name()

// CHECK(condition, parts of a message...)
#define CHECK(condition, ...)                                             \
  pixelcal::test::Check(static_cast<bool>(condition), __FILE__, __LINE__, \
                        #condition __VA_OPT__(, ) __VA_ARGS__)

// CHECK_THROWS(expression, "text the message must contain")
#define CHECK_THROWS(expression, text)                 \
  do {                                                 \
    std::string what = "nothing thrown";               \
    try {                                              \
      expression;                                      \
    } catch (const std::exception& error) {            \
      what = error.what();                             \
    }                                                  \
    CHECK(what.find(text) != std::string::npos, what); \
  } while (false)
