#include "base/background.h"

#if defined(__linux__)
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace pixelcal {

void RunInBackground() {
#if defined(__linux__)
  // A thread inherits the value of the one that starts it, which may be in the background already: the main
  // thread, whose number is that of the process, is what to be below of.
  errno = 0;
  const int own = getpriority(PRIO_PROCESS, static_cast<id_t>(getpid()));
  // A system that answers neither call leaves the thread where it is, which costs nothing but waiting.
  if (errno == 0) static_cast<void>(setpriority(PRIO_PROCESS, 0, own + kBackgroundNice));
#endif
}

}  // namespace pixelcal
