// SPDX-License-Identifier: Apache-2.0
#pragma once
// Brings what is durable into the index, in batches, behind the back of whoever wrote it.

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "store/fragment_index.hpp"

namespace streams {

class StreamLog;

// Owned by the archive. push() comes from the store's writer thread, in volume order: only so does an index mark mean
// that everything before it is indexed.
class IndexWriter {
 public:
  explicit IndexWriter(store::FragmentIndex& index);
  ~IndexWriter();  // indexes what is queued
  IndexWriter(const IndexWriter&) = delete;
  IndexWriter& operator=(const IndexWriter&) = delete;

  void push(std::shared_ptr<StreamLog> log, const store::StoredFragment& fragment);
  void push(const store::Tombstone& tombstone, const store::RecordPlace& place);
  // Waits until the queue is empty or an attempt has failed. Blocks.
  void flush();
  std::uint64_t failures() const;
  // Something in this volume is durable and not indexed yet. False for a volume that is not written any more means: all
  // of it is in the index.
  bool has_waiting(std::uint64_t volume) const;
  // Durable and not indexed yet.
  std::size_t waiting() const;

 private:
  struct Fragment {
    std::shared_ptr<StreamLog> log;  // told when its fragment is indexed; the archive may have dropped it already
    store::StoredFragment fragment;
  };
  struct Burial {
    store::Tombstone tombstone;
    store::RecordPlace place;
  };
  using Item = std::variant<Fragment, Burial>;

  void push_item(Item item);
  void run();
  bool write(const std::deque<Item>& batch);

  store::FragmentIndex& index_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> queue_;
  bool writing_ = false;
  bool hurry_ = false;
  bool stopping_ = false;
  std::uint64_t attempts_ = 0;
  std::uint64_t failures_ = 0;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace streams
