#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace pixelcal {

// A regular file that is open for reading; never waits for a pipe or a device. On Windows no file opens:
// paths there are not bytes.
class RegularFile {
 public:
  explicit RegularFile(const std::string& path);
  ~RegularFile();
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;

  // Returns its size in bytes, or -1 if it did not open.
  int64_t size() const { return size_; }
  // Reads `count` bytes from `position` on. Returns false if the file has fewer or cannot be read.
  bool Read(int64_t position, void* to, size_t count) const;

 private:
  [[maybe_unused]] int descriptor_ = -1;  // Windows has none.
  int64_t size_ = -1;
};

}  // namespace pixelcal
