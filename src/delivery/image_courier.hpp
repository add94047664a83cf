// SPDX-License-Identifier: Apache-2.0
#pragma once
// Images of fragments to S3: of a producer's fragments those with the tag (contract 7); of what came over WebRTC,
// which has no tags, a sample at every interval.

#include "async/disk_worker.hpp"
#include "delivery/courier.hpp"
#include "delivery/http_client.hpp"
#include "delivery/s3_object.hpp"
#include "streams/playback.hpp"

namespace delivery {

class ImageCourier final : public Courier {
 public:
  // `workers` decode and send. All outlive it.
  ImageCourier(S3Options s3, std::string account_id, streams::Playback& playback, async::DiskWorker& workers,
               const HttpClient& client)
      : s3_(std::move(s3)),
        account_id_(std::move(account_id)),
        playback_(playback),
        workers_(workers),
        client_(client) {}

  std::string kind() const override { return std::string(kImageGeneration); }
  bool is_enabled(const streams::Stream& stream) const override;
  async::Task<base::Result<void>> deliver(const Parcel& parcel, Progress& progress) override;
  Counts& counts() override { return counts_; }

 private:
  struct Order;
  async::Task<base::Result<void>> deliver_some(const Parcel& parcel, const Order& order, Progress& progress);

  S3Options s3_;
  std::string account_id_;
  streams::Playback& playback_;
  async::DiskWorker& workers_;
  const HttpClient& client_;
  Counts counts_;
};

}  // namespace delivery
