#pragma once

#include <napi.h>

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/executor.h"
#include "binding/task.h"

namespace pixelcal {

class AsyncCall;

// The asynchronous calls of one environment (the main thread or a worker thread): hands them to the executor
// and settles their promises on the JS thread. The environment stays alive while any is pending, and no
// longer; when it ends, waiting calls are dropped and running ones are cancelled and waited for.
class AsyncCalls {
 public:
  // Called once per environment.
  static void Open(Napi::Env env);
  static AsyncCalls& Of(Napi::Env env);

  explicit AsyncCalls(Napi::Env env) : env_(env) {}

  // Queues a task, for the host's threads if it waits for files. `control` is undefined or the call's control
  // object (index.d.ts).
  void Start(Task task, Arguments& arguments, Napi::Value control, Napi::Promise::Deferred deferred);
  // Drops the call of this id if it waits; else its work ends at the next chunk. Either way its promise is
  // rejected, unless it is settled by now.
  void Cancel(double id);

 private:
  friend class AsyncCall;

  void OpenChannel();
  void StartOnHost(AsyncCall& call);
  // Takes a call back from the executor, on one of its threads.
  void Post(AsyncCall* call);
  // Settles the calls that were posted.
  void SettlePosted();
  void Settle(std::unique_ptr<AsyncCall> call);
  void Close();

  Napi::Env env_;
  napi_threadsafe_function channel_ = nullptr;
  int64_t pending_ = 0;
  std::unordered_map<double, AsyncCall*> by_id_;

  std::mutex mutex_;
  std::vector<AsyncCall*> posted_;
  bool closed_ = false;
};

}  // namespace pixelcal
