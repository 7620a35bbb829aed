#include "files/regular_file.h"

#if !defined(_WIN32)
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace pixelcal {

#if defined(_WIN32)

RegularFile::RegularFile(const std::string&) {}
RegularFile::~RegularFile() = default;
bool RegularFile::Read(int64_t, void*, size_t) const { return false; }

#else

RegularFile::RegularFile(const std::string& path) {
  do descriptor_ = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  while (descriptor_ < 0 && errno == EINTR);
  struct stat status;
  if (descriptor_ >= 0 && fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode)) size_ = status.st_size;
}

RegularFile::~RegularFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

bool RegularFile::Read(int64_t position, void* to, size_t count) const {
  auto* at = static_cast<char*>(to);
  while (count > 0) {
    const ssize_t got = pread(descriptor_, at, count, position);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    position += got;
    count -= static_cast<size_t>(got);
  }
  return true;
}

#endif

}  // namespace pixelcal
