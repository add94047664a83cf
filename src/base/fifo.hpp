// SPDX-License-Identifier: Apache-2.0
#pragma once
// A queue that is emptied again and again: it allocates only to become longer than ever before.

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace base {

// The room is used anew once everything has been taken; a queue that never runs empty grows.
template <class T>
class Fifo {
 public:
  void push(T item) { items_.push_back(std::move(item)); }
  // The oldest, or nothing.
  std::optional<T> pop() {
    if (next_ == items_.size()) return std::nullopt;
    std::optional<T> item(std::move(items_[next_++]));
    if (next_ == items_.size()) {
      items_.clear();
      next_ = 0;
    }
    return item;
  }
  // Where the next one will be put, as long as there is room.
  const T* end() const { return items_.data() + items_.size(); }
  bool empty() const { return next_ == items_.size(); }
  // The newest; not of an empty queue.
  T& back() { return items_.back(); }

 private:
  std::vector<T> items_;
  std::size_t next_ = 0;
};

}  // namespace base
