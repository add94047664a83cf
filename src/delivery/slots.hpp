// SPDX-License-Identifier: Apache-2.0
#pragma once
// How many may do something at once. One shard.

#include <cstddef>

#include "async/notify.hpp"
#include "async/task.hpp"

namespace delivery {

class Slots {
 public:
  Slots(async::Shard& shard, std::size_t count) : free_(count), changed_(shard) {}

  // Gives its slot back when it is destroyed.
  class Slot {
   public:
    explicit Slot(Slots& slots) : slots_(&slots) {}
    Slot(Slot&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)) {}
    Slot& operator=(Slot&&) = delete;
    ~Slot() {
      if (slots_ == nullptr) return;
      ++slots_->free_;
      slots_->changed_.notify_all();
    }

   private:
    Slots* slots_;
  };

  async::Task<Slot> take() {
    while (free_ == 0) co_await changed_.wait();
    --free_;
    co_return Slot(*this);
  }

 private:
  std::size_t free_;
  async::Notify changed_;
};

}  // namespace delivery
