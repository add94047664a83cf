// SPDX-License-Identifier: Apache-2.0
#pragma once
// The access keys of a running server, in memory, as the database has them now.

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <thread>

#include "aws/sigv4.hpp"
#include "base/bytes.hpp"
#include "store/access_key_store.hpp"

namespace store {

// How long a change by the command line may stay unseen by a running server.
inline constexpr std::chrono::milliseconds kKeyRingInterval(250);

struct KeyRingOptions {
  std::string account_id = "123456789012";  // in the ARNs of users
  base::Bytes sealing_key;                  // kSealingKeySize bytes
  // The server's own key, which is not in the database and may do everything.
  std::string own_id;
  std::string own_secret;
};

// find() may be called from any thread. A thread of its own looks after the file; while the file cannot be read, the
// keys stay as they were, and the log says so.
class KeyRing {
 public:
  static base::Result<std::unique_ptr<KeyRing>> open(std::unique_ptr<AccessKeyStore> keys, KeyRingOptions options);
  ~KeyRing();
  KeyRing(const KeyRing&) = delete;
  KeyRing& operator=(const KeyRing&) = delete;

  std::optional<aws::sigv4::KnownKey> find(std::string_view id) const;
  // Whether it is known still: it is until it is revoked. Any thread.
  bool has(std::string_view id) const;
  // Reads the file if somebody changed it. For tests; the thread does it otherwise.
  base::Result<void> refresh();

 private:
  using Keys = std::map<std::string, aws::sigv4::KnownKey, std::less<>>;

  KeyRing(std::unique_ptr<AccessKeyStore> store, KeyRingOptions options);
  void watch();
  Keys make_keys(const std::vector<AccessKeyRow>& rows) const;
  base::Result<aws::sigv4::KnownKey> make_key(const AccessKeyRow& row) const;

  KeyRingOptions options_;
  std::unique_ptr<AccessKeyStore> store_;
  std::mutex refreshing_;
  std::int64_t version_ = -1;
  mutable std::shared_mutex mutex_;
  std::shared_ptr<const Keys> keys_;
  std::mutex waiting_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace store
