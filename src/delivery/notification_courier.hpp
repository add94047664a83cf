// SPDX-License-Identifier: Apache-2.0
#pragma once
// Notifications of fragments to HTTP endpoints: of a producer's fragments those with the tag (contract 7); of what came
// over WebRTC, which has no tags, every one.

#include <map>
#include <string>

#include "async/disk_worker.hpp"
#include "delivery/courier.hpp"
#include "delivery/http_client.hpp"
#include "delivery/signer.hpp"

namespace delivery {

struct NotificationOptions {
  std::map<std::string, std::string> topics;  // URLs by ARN
  std::string signing_identity;               // make_signing_identity()
  std::string certificate_url;                // where receivers get the certificate
};

class NotificationCourier final : public Courier {
 public:
  // `workers` sign and send. All outlive it.
  NotificationCourier(const NotificationOptions& options, const Signer& signer, async::DiskWorker& workers,
                      const HttpClient& client)
      : options_(options), signer_(signer), workers_(workers), client_(client) {}

  std::string kind() const override;
  bool is_enabled(const streams::Stream& stream) const override;
  async::Task<base::Result<void>> deliver(const Parcel& parcel, Progress& progress) override;
  Counts& counts() override { return counts_; }

 private:
  base::Result<std::string> url_of(const std::string& topic) const;

  const NotificationOptions& options_;
  const Signer& signer_;
  async::DiskWorker& workers_;
  const HttpClient& client_;
  Counts counts_;
};

}  // namespace delivery
