// SPDX-License-Identifier: Apache-2.0
#include "api/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.hpp"

namespace api {

namespace {
std::size_t class_of(int status) {
  // 101 Switching Protocols is a success.
  return static_cast<std::size_t>(std::clamp(status / 100, 2, 5)) - 1;
}
constexpr auto kRelaxed = std::memory_order_relaxed;
}  // namespace

Metrics::Metrics() : slots_(std::make_unique<Slot[]>(aws::operations().size())) {}

Metrics::Slot& Metrics::slot(const aws::Operation& operation) const {
  const auto index = &operation - aws::operations().data();
  CHECK(index >= 0 && static_cast<std::size_t>(index) < aws::operations().size());
  return slots_[static_cast<std::size_t>(index)];
}

void Metrics::count(const aws::Operation& operation, int status, base::Duration took) {
  Slot& here = slot(operation);
  here.by_class[class_of(status)].fetch_add(1, kRelaxed);
  const double seconds = std::chrono::duration<double>(took).count();
  const auto bound = std::ranges::lower_bound(kSecondsBounds, seconds);
  here.by_time[static_cast<std::size_t>(bound - kSecondsBounds.begin())].fetch_add(1, kRelaxed);
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  here.microseconds.fetch_add(static_cast<std::uint64_t>(std::max<std::int64_t>(us, 0)), kRelaxed);
}

void Metrics::count_other(int status) {
  other_[class_of(status)].fetch_add(1, kRelaxed);
}

std::uint64_t Metrics::requests(const aws::Operation& operation) const {
  std::uint64_t sum = 0;
  for (const Counter& counter : slot(operation).by_class) sum += counter.load(kRelaxed);
  return sum;
}

std::string Metrics::text() const {
  static constexpr std::array<std::string_view, kClasses> kClassNames{"1xx", "2xx", "3xx", "4xx", "5xx"};
  std::string counts =
      "# HELP tidegate_requests_total Answers by operation and status.\n# TYPE tidegate_requests_total counter\n";
  std::string times =
      "# HELP tidegate_request_seconds Time from the request's headers to the end of its answer.\n"
      "# TYPE tidegate_request_seconds histogram\n";
  for (const aws::Operation& operation : aws::operations()) {
    if (requests(operation) == 0) continue;
    const Slot& here = slot(operation);
    for (std::size_t index = 0; index < kClasses; ++index) {
      const std::uint64_t value = here.by_class[index].load(kRelaxed);
      if (value == 0) continue;
      counts += fmt::format("tidegate_requests_total{{operation=\"{}\",status=\"{}\"}} {}\n", operation.name,
                            kClassNames[index], value);
    }
    std::uint64_t sum = 0;
    for (std::size_t index = 0; index < here.by_time.size(); ++index) {
      sum += here.by_time[index].load(kRelaxed);
      const std::string bound = index < kSecondsBounds.size() ? fmt::format("{}", kSecondsBounds[index]) : "+Inf";
      times +=
          fmt::format("tidegate_request_seconds_bucket{{operation=\"{}\",le=\"{}\"}} {}\n", operation.name, bound, sum);
    }
    times += fmt::format("tidegate_request_seconds_sum{{operation=\"{}\"}} {}\n", operation.name,
                         static_cast<double>(here.microseconds.load(kRelaxed)) / 1e6);
    times += fmt::format("tidegate_request_seconds_count{{operation=\"{}\"}} {}\n", operation.name, sum);
  }
  for (std::size_t index = 0; index < kClasses; ++index) {
    const std::uint64_t value = other_[index].load(kRelaxed);
    if (value == 0) continue;
    counts +=
        fmt::format("tidegate_requests_total{{operation=\"other\",status=\"{}\"}} {}\n", kClassNames[index], value);
  }
  return counts + times +
         "# HELP tidegate_signature_failures_total Requests whose signature did not verify.\n"
         "# TYPE tidegate_signature_failures_total counter\n" +
         fmt::format("tidegate_signature_failures_total {}\n", signature_failures_.load(kRelaxed));
}

}  // namespace api
