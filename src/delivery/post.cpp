// SPDX-License-Identifier: Apache-2.0
#include "delivery/post.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace delivery {
namespace {

// One line of what a server says, without what a terminal would act on.
std::string quote(std::string text) {
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return text.substr(0, 300);
}

}  // namespace

async::Task<base::Result<void>> send(async::DiskWorker& workers, const HttpClient& client, HttpCall call) {
  CO_TRY(const HttpAnswer answer, co_await workers.run([&] { return client.send(call); }));
  if (answer.status >= 200 && answer.status < 300) co_return base::Result<void>();
  co_return base::fail(base::Errc::Unavailable,
                       fmt::format("{} {} answers {}: {}", call.method, call.url, answer.status, quote(answer.body)));
}

}  // namespace delivery
