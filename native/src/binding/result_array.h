#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>

namespace pixelcal {

// The error of a result that no array can have or this machine cannot hold; its message begins with "out: ".
class ResultTooLarge : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Returns a new typed array of `count` elements of `element` bytes, not zeroed, whose `data` the kernel
// writes; throws ResultTooLarge. For a large array `memory` becomes the block, which keeps it alive while the
// kernel runs even if the environment ends. `constructor` is the type's name in JavaScript.
Napi::Value NewResultArray(Napi::Env env, napi_typedarray_type type, const char* constructor, int64_t count,
                           size_t element, void** data, std::shared_ptr<std::byte>* memory);

}  // namespace pixelcal
