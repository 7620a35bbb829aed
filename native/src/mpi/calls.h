#pragma once

#include <mpi.h>

#include <stdexcept>
#include <string>

namespace pixelcal::mpi {

// A call of the MPI library that failed.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws Failure with the library's own words unless a call has succeeded.
inline void Check(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw Failure(std::string(call) + ": " + std::string(text, static_cast<size_t>(length)));
}

}  // namespace pixelcal::mpi
