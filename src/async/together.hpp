// SPDX-License-Identifier: Apache-2.0
#pragma once
// Two tasks as one.

#include "async/task.hpp"

namespace async {

// Runs both on the caller's shard, in turns; when one returns the other is cancelled. Resumes when both have ended, so
// they may refer to the caller's locals. Cancelling the caller cancels both. One that throws leaves the other running;
// what it threw is thrown on only when the other throws too.
Task<void> first_of(Task<void> one, Task<void> other);

}  // namespace async
