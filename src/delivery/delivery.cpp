// SPDX-License-Identifier: Apache-2.0
#include "delivery/delivery.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

#include "async/timer.hpp"
#include "base/log.hpp"
#include "delivery/image_courier.hpp"

namespace delivery {
namespace {

constexpr int kNice = 10;  // what leaves the house yields to ingest and to readers

using async::Task;
using base::Result;

constexpr std::size_t kPage = 1000;

}  // namespace

// Members are made in this order and destroyed in the opposite one.
class Delivery::Parts {
 public:
  Parts(DeliveryOptions given, streams::Catalog& catalog, streams::Archive& archive, streams::Playback& playback,
        base::Random& random)
      : options_(std::move(given)),
        catalog_(catalog),
        archive_(archive),
        client_({.ca_file = options_.ca_file}),
        disk_({"positions", 1, 65'536}),
        image_workers_({"images", options_.images_at_once, 1024, kNice}),
        notification_workers_({"notifications", options_.notifications_at_once, 1024, kNice}),
        images_(options_.s3, options_.account_id, playback, image_workers_, client_),
        random_(random),
        shard_("delivery") {}

  Result<void> open() {
    auto signer = Signer::open(options_.notifications.signing_identity);
    if (!signer) {
      return base::fail(std::move(signer).error().with_context(options_.directory + "/notifications.pem"));
    }
    signer_ = *std::move(signer);
    notifications_.emplace(options_.notifications, *signer_, notification_workers_, client_);
    TRY(positions_, store::open_sqlite_delivery_positions(options_.directory + "/delivery.sqlite"));
    TRY(const auto known, positions_->load());
    for (const store::DeliveryPosition& position : known) known_[{position.stream, position.kind}] = position;
    kinds_.push_back(std::make_unique<Kind>(*this, images_, options_.images_at_once));
    kinds_.push_back(std::make_unique<Kind>(*this, *notifications_, options_.notifications_at_once));
    shard_.spawn("delivery", [this] { return look_around(); });
    return {};
  }

  void stop() {
    client_.stop();
    shard_.stop();
    shard_.join();
  }

  const Counts& images() { return images_.counts(); }
  const Counts& notifications() { return notifications_->counts(); }
  const std::string& signing_certificate() const { return signer_->certificate(); }

 private:
  using Key = std::pair<streams::StreamKey, std::string>;  // a stream and a kind

  // A courier, and what its followers share.
  struct Kind {
    Kind(Parts& parts, Courier& courier, std::size_t at_once)
        : slots(parts.shard_, at_once),
          around{parts.options_.follower,
                 courier,
                 *parts.positions_,
                 parts.disk_,
                 slots,
                 parts.random_,
                 [&parts](const std::string& arn) { return parts.find_stream(arn); }} {}
    Slots slots;
    FollowerSurroundings around;
    std::set<streams::StreamKey> followed;
  };

  streams::StreamPtr find_stream(const std::string& arn) const {
    const auto stream = catalog_.find_stream({{}, arn});
    return stream ? *stream : nullptr;
  }

  // The catalog tells nobody of its changes: it is asked once in a while, from memory.
  Task<void> look_around() {
    co_await forget_unwanted();
    while (true) {
      for (const streams::StreamPtr& stream : configured_streams()) {
        for (const auto& kind : kinds_) {
          if (kind->around.courier.is_enabled(*stream) && stream->retention_hours > 0) start(*kind, stream);
        }
      }
      co_await async::sleep_for(options_.look_around);
    }
  }

  std::vector<streams::StreamPtr> configured_streams() const {
    std::vector<streams::StreamPtr> found;
    streams::ListQuery query;
    query.limit = kPage;
    while (true) {
      const auto page = catalog_.list_streams(query);
      if (!page) return found;
      for (const streams::StreamPtr& stream : page->items) {
        if (!stream->configurations.empty()) found.push_back(stream);
      }
      if (page->next_token.empty()) return found;
      query.token = page->next_token;
    }
  }

  void start(Kind& kind, const streams::StreamPtr& stream) {
    if (!kind.followed.insert(stream->key).second) return;
    shard_.spawn("delivery of " + stream->arn, [this, &kind, stream] { return follow_one(kind, stream); });
  }

  Task<void> follow_one(Kind& kind, streams::StreamPtr stream) {
    const Key key{stream->key, kind.around.courier.kind()};
    // Making a log reads the index.
    const auto log = co_await disk_.run([&] { return archive_.log(stream->key); });
    store::DeliveryPosition position{stream->key, key.second, {}, {}};
    if (const auto known = known_.find(key); known != known_.end()) {
      position = known->second;
      known_.erase(known);
    } else if (const auto last = log->last()) {
      position.number = last->header.number;  // what was recorded before the configuration is not delivered
    }
    co_await follow(kind.around, stream->arn, log, position);
    kind.followed.erase(stream->key);
  }

  // Positions of streams that were deleted, or whose configuration was removed, while this server was not running.
  Task<void> forget_unwanted() {
    std::set<Key> wanted;
    for (const streams::StreamPtr& stream : configured_streams()) {
      for (const auto& kind : kinds_) {
        if (kind->around.courier.is_enabled(*stream)) wanted.emplace(stream->key, kind->around.courier.kind());
      }
    }
    std::vector<Key> unwanted;
    for (const auto& [key, position] : known_) {
      if (!wanted.contains(key)) unwanted.push_back(key);
    }
    for (const Key& key : unwanted) {
      known_.erase(key);
      const auto forgotten = co_await disk_.run([&] { return positions_->forget(key.first, key.second); });
      if (!forgotten) base::log_warning("delivery positions: {}", forgotten.error().message);
    }
  }

  DeliveryOptions options_;
  streams::Catalog& catalog_;
  streams::Archive& archive_;
  HttpClient client_;
  std::unique_ptr<store::DeliveryPositions> positions_;
  async::DiskWorker disk_;
  async::DiskWorker image_workers_;
  async::DiskWorker notification_workers_;
  ImageCourier images_;
  std::unique_ptr<Signer> signer_;
  std::optional<NotificationCourier> notifications_;
  base::Random& random_;
  std::map<Key, store::DeliveryPosition> known_;  // from the run before, until their followers start; the shard only
  async::Shard shard_;
  std::vector<std::unique_ptr<Kind>> kinds_;
};

Delivery::Delivery(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Delivery::~Delivery() {
  stop();
}

Result<std::unique_ptr<Delivery>> Delivery::open(DeliveryOptions options, streams::Catalog& catalog,
                                                 streams::Archive& archive, streams::Playback& playback,
                                                 base::Random& random) {
  auto parts = std::make_unique<Parts>(std::move(options), catalog, archive, playback, random);
  TRY_VOID(parts->open());
  return std::unique_ptr<Delivery>(new Delivery(std::move(parts)));
}

void Delivery::stop() {
  parts_->stop();
}

const Counts& Delivery::images() const {
  return parts_->images();
}

const Counts& Delivery::notifications() const {
  return parts_->notifications();
}

const std::string& Delivery::signing_certificate() const {
  return parts_->signing_certificate();
}

}  // namespace delivery
