// SPDX-License-Identifier: Apache-2.0
#pragma once
// Images and notifications that leave the house (contract 7): finds the streams that ask for them and follows each.

#include <memory>
#include <string>

#include "async/shard.hpp"
#include "base/result.hpp"
#include "delivery/counts.hpp"
#include "delivery/follower.hpp"
#include "delivery/notification_courier.hpp"
#include "delivery/s3_object.hpp"
#include "streams/archive.hpp"
#include "streams/catalog.hpp"
#include "streams/playback.hpp"

namespace delivery {

struct DeliveryOptions {
  std::string directory;  // the data directory
  std::string account_id;
  S3Options s3;
  NotificationOptions notifications;
  std::string ca_file;  // of endpoints, PEM; empty: the system's
  FollowerOptions follower;
  std::size_t images_at_once = 2;
  std::size_t notifications_at_once = 2;
  base::Duration look_around = std::chrono::seconds(1);  // for streams whose configuration has changed
};

// Any thread. Has a shard of its own, so that it takes no time of the media's, and a few threads that decode and send.
// Owned by the process; what it works on outlives it.
class Delivery {
 public:
  static base::Result<std::unique_ptr<Delivery>> open(DeliveryOptions options, streams::Catalog& catalog,
                                                      streams::Archive& archive, streams::Playback& playback,
                                                      base::Random& random);
  ~Delivery();  // stop()
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  // What is under way is cut short: it is delivered after the next start. Blocks for some seconds at most.
  void stop();

  const Counts& images() const;
  const Counts& notifications() const;
  // That receivers check notifications against, PEM.
  const std::string& signing_certificate() const;

 private:
  class Parts;
  explicit Delivery(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace delivery
