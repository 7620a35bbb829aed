#pragma once

namespace pixelcal::mpi {

// Ends every process of the job with an exit code. Does not return. What this process wrote before reaches
// the launcher: some (MPICH's) stop reading as soon as they hear of the end.
void EndJob(int code);

}  // namespace pixelcal::mpi
