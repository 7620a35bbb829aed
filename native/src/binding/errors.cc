#include "binding/errors.h"

#include <new>
#include <stdexcept>

#include "base/cancel.h"
#include "binding/device_array.h"
#include "binding/result_array.h"

namespace pixelcal {

Napi::Error ToError(Napi::Env env, std::exception_ptr exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const Napi::Error& error) {
    return error;
  } catch (const std::invalid_argument& error) {
    Napi::Error typed = Napi::TypeError::New(env, error.what());
    typed.Set("code", Napi::String::New(env, "INVALID_ARGUMENT"));
    return typed;
  } catch (const ResultTooLarge& error) {
    Napi::Error typed = Napi::RangeError::New(env, error.what());
    typed.Set("code", Napi::String::New(env, "RESULT_TOO_LARGE"));
    return typed;
  } catch (const Cancelled& error) {
    Napi::Error typed = Napi::Error::New(env, error.what());
    typed.Set("code", Napi::String::New(env, "CANCELLED"));
    return typed;
  } catch (const cuda::OutOfDeviceMemory& error) {
    return Napi::RangeError::New(env, error.what());
  } catch (const std::bad_alloc&) {
    return Napi::RangeError::New(env, "out of memory");
  } catch (const std::exception& error) {
    return Napi::Error::New(env, error.what());
  } catch (...) {
    return Napi::Error::New(env, "unknown native error");
  }
}

}  // namespace pixelcal
