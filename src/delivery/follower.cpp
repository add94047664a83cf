// SPDX-License-Identifier: Apache-2.0
#include "delivery/follower.hpp"

#include <utility>

#include "async/timer.hpp"
#include "base/log.hpp"

namespace delivery {
namespace {

using async::Task;
using base::Errc;

// Another attempt would end in the same way.
bool is_final(Errc code) {
  return code == Errc::NotFound || code == Errc::Corrupt || code == Errc::Incomplete || code == Errc::Unsupported;
}

class Follower {
 public:
  Follower(FollowerSurroundings& around, std::string arn, std::shared_ptr<streams::FragmentLog> log,
           store::DeliveryPosition start)
      : around_(around), arn_(std::move(arn)), log_(std::move(log)), position_(std::move(start)) {
    ++counts().following;
  }
  ~Follower() {
    set_failing(false);
    --counts().following;
  }
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  Task<void> run() {
    co_await save();
    while (find_stream() != nullptr) {
      const base::Instant began = async::now();
      const base::Duration attention = around_.options.attention;
      const auto fragment = co_await log_->wait_after(position_.number, attention);
      if (fragment && !co_await settle(*fragment)) break;
      // An index that cannot be read answers at once.
      if (!fragment && async::now() - began < attention / 2) co_await async::sleep_for(attention / 10);
    }
    if (const auto forgotten =
            co_await around_.disk.run([this] { return around_.positions.forget(position_.stream, position_.kind); });
        !forgotten) {
      base::log_warning("delivery of {}: {}", arn_, forgotten.error().message);
    }
  }

 private:
  Counts& counts() { return around_.courier.counts(); }

  // Null when there is nothing to follow any more.
  streams::StreamPtr find_stream() {
    streams::StreamPtr stream = log_->deleted() ? nullptr : around_.find_stream(arn_);
    const bool wanted = stream != nullptr && stream->key == position_.stream && stream->retention_hours > 0 &&
                        around_.courier.is_enabled(*stream);
    return wanted ? stream : nullptr;
  }

  // False when the configuration has gone meanwhile.
  Task<bool> settle(const streams::StoredFragment& fragment) {
    Progress progress{position_.last_image};
    Backoff backoff(around_.options.backoff, around_.random);
    while (true) {
      const streams::StreamPtr stream = find_stream();
      if (stream == nullptr) co_return false;
      const base::Result<void> result = co_await attempt({stream, log_, fragment}, progress);
      if (result) {
        set_failing(false);
        break;
      }
      if (is_final(result.error().code)) {
        ++counts().skipped;
        base::log_debug("no delivery of fragment {}: {}", fragment.header.number.text(), result.error().message);
        break;
      }
      ++counts().failures;
      set_failing(true, result.error().message);
      if (async::wall_now() - fragment.header.server_time > around_.options.most_age) {
        ++counts().skipped;
        break;
      }
      co_await async::sleep_for(backoff.next());
    }
    position_.number = fragment.header.number;
    position_.last_image = progress.last_image;
    co_await save();
    co_return true;
  }

  Task<base::Result<void>> attempt(Parcel parcel, Progress& progress) {
    const Slots::Slot slot = co_await around_.slots.take();
    auto result = co_await around_.courier.deliver(parcel, progress);
    co_return result;
  }

  void set_failing(bool failing, const std::string& why = {}) {
    if (failing == failing_) return;
    failing_ = failing;
    if (failing) {
      ++counts().failing;
      base::log_warning("{} of {} does not get through and is tried again: {}", position_.kind, arn_, why);
    } else {
      --counts().failing;
      base::log_info("{} of {} goes on", position_.kind, arn_);
    }
  }

  Task<void> save() {
    const auto saved = co_await around_.disk.run([this] { return around_.positions.save(position_); });
    // What is delivered is then delivered again after a restart: the same objects, the same message ids.
    if (!saved) base::log_warning("delivery of {}: its position is not kept: {}", arn_, saved.error().message);
  }

  FollowerSurroundings& around_;
  std::string arn_;
  std::shared_ptr<streams::FragmentLog> log_;
  store::DeliveryPosition position_;
  bool failing_ = false;
};

}  // namespace

Task<void> follow(FollowerSurroundings& around, std::string arn, std::shared_ptr<streams::FragmentLog> log,
                  store::DeliveryPosition start) {
  Follower follower(around, std::move(arn), std::move(log), std::move(start));
  co_await follower.run();
}

}  // namespace delivery
