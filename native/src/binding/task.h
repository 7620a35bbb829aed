#pragma once

#include <napi.h>

#include <functional>

#include "binding/arguments.h"

namespace pixelcal {

// A call whose arguments were read. `work` runs off the JS thread (or at once, for the Sync twin) and touches
// no JavaScript; `result` then makes the return value on the JS thread.
struct Task {
  std::function<void()> work;
  std::function<Napi::Value(Napi::Env)> result;
  // Whether work that has begun must not be cancelled, because it changes its inputs.
  bool whole = false;
  // Whether the work waits for files: it then runs on the host's threads, and keeps no kernel from running.
  bool waits = false;
};

// The binding of a kernel: reads its arguments by name and returns the task.
using Binding = Task (*)(Arguments& arguments);

// An exported kernel: `name` returns a Promise, `nameSync` the value.
struct Entry {
  const char* name;
  Binding binding;
};

// Adds both functions of an entry to the addon's exports; `entry` must live as long as the process.
void Export(Napi::Env env, Napi::Object exports, const Entry& entry);

}  // namespace pixelcal
