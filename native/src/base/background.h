#pragma once

namespace pixelcal {

// Lets the calling thread give way to the process' own threads when there are more threads than processors:
// what reads files and answers requests there works for microseconds, and would else wait for the end of a
// kernel's time slice. Linux only, where a thread has a nice value of its own; the other systems stay as
// they are, since their lower classes also slow a kernel that has nobody to give way to.
void RunInBackground();

// The nice value that is added, a third of the share of a processor.
inline constexpr int kBackgroundNice = 5;

}  // namespace pixelcal
