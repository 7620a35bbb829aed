#pragma once

#include <napi.h>

#include <exception>

namespace pixelcal {

// Turns rejected arguments into a TypeError with code INVALID_ARGUMENT, results too large for an array into a
// RangeError with code RESULT_TOO_LARGE, cancelled work into
// an Error with code CANCELLED, and running out of memory into a RangeError.
Napi::Error ToError(Napi::Env env, std::exception_ptr exception);

}  // namespace pixelcal
