// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.hpp"

namespace async {

// What the calling thread has used of a processor since it began.
base::Duration thread_time();

}  // namespace async
