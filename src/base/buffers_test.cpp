// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <memory>

#include "base/buffer_pool.hpp"
#include "base/fifo.hpp"

namespace base {
namespace {

TEST(Fifo, GivesInOrderWhateverIsPushedInBetween) {
  Fifo<std::unique_ptr<int>> queue;
  int pushed = 0;
  int popped = 0;
  for (int round = 1; round < 50; ++round) {
    for (int i = 0; i < round % 7; ++i) queue.push(std::make_unique<int>(pushed++));
    for (int i = 0; i < round % 5; ++i) {
      const auto item = queue.pop();
      if (!item) break;
      EXPECT_EQ(**item, popped++);
    }
  }
  while (const auto item = queue.pop()) EXPECT_EQ(**item, popped++);
  EXPECT_EQ(popped, pushed);
  EXPECT_TRUE(queue.empty());
}

TEST(BufferPool, GivesBackTheLastOneAndKeepsNoGiants) {
  BufferPool pool;
  EXPECT_EQ(pool.take().capacity(), 0U);
  Bytes buffer(1000, 1);
  const std::uint8_t* const place = buffer.data();
  pool.give(Bytes(10));
  pool.give(std::move(buffer));
  buffer = pool.take();
  EXPECT_EQ(buffer.data(), place);
  EXPECT_TRUE(buffer.empty());
  pool.give(Bytes(BufferPool::kMostBytes + 1));
  EXPECT_LE(pool.take().capacity(), 10U);
  EXPECT_EQ(pool.take().capacity(), 0U);
}

// A key frame's room is not kept for what is small: in the end every buffer would have it.
TEST(BufferPool, KeepsNoRoomThatIsNotUsed) {
  BufferPool pool;
  Bytes buffer(40'000, 1);
  pool.give(std::move(buffer));
  buffer = pool.take();
  EXPECT_GE(buffer.capacity(), 40'000U);
  buffer.resize(6'000);
  pool.give(std::move(buffer));
  buffer = pool.take();
  EXPECT_GE(buffer.capacity(), 40'000U) << "a picture of the usual size beside a key frame";
  buffer.resize(500);
  pool.give(std::move(buffer));
  EXPECT_EQ(pool.take().capacity(), 0U);
}

}  // namespace
}  // namespace base
