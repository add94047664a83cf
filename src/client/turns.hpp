// SPDX-License-Identifier: Apache-2.0
#pragma once
// How many tasks of a shard may be at something at the same time; the others wait.

#include <deque>
#include <memory>
#include <utility>

#include "async/notify.hpp"
#include "async/shard.hpp"

namespace client {

// Shared by the tasks of one shard, by shared_ptr. First come, first served.
class Turns : public std::enable_shared_from_this<Turns> {
 public:
  Turns(async::Shard& shard, int at_once) : shard_(shard), free_(at_once) {}

  // Given back when it goes.
  class Turn {
   public:
    Turn() = default;
    explicit Turn(std::shared_ptr<Turns> turns) : turns_(std::move(turns)) {}
    Turn(Turn&& other) noexcept = default;
    Turn& operator=(Turn&& other) = delete;
    ~Turn() {
      if (turns_) turns_->give_back();
    }

   private:
    std::shared_ptr<Turns> turns_;
  };

  async::Task<Turn> take() {
    if (free_ > 0) {
      --free_;
    } else {
      const auto place = std::make_shared<Place>(shard_);
      waiting_.push_back(place);
      while (!place->granted) co_await place->changed.wait();
    }
    co_return Turn(shared_from_this());
  }

 private:
  struct Place {
    explicit Place(async::Shard& shard) : changed(shard) {}
    async::Notify changed;
    bool granted = false;
  };

  // A task that was ended while it waited has left its place behind: tasks are ended only with their shard.
  void give_back() {
    if (waiting_.empty()) {
      ++free_;
      return;
    }
    waiting_.front()->granted = true;
    waiting_.front()->changed.notify_all();
    waiting_.pop_front();
  }

  async::Shard& shard_;
  int free_;
  std::deque<std::shared_ptr<Place>> waiting_;
};

}  // namespace client
