// SPDX-License-Identifier: Apache-2.0
#pragma once
// Private to the delivery room: a call on a worker thread.

#include "async/disk_worker.hpp"
#include "async/task.hpp"
#include "delivery/http_client.hpp"

namespace delivery {

// Unavailable when the answer is not 2xx; the message quotes it.
async::Task<base::Result<void>> send(async::DiskWorker& workers, const HttpClient& client, HttpCall call);

}  // namespace delivery
