// SPDX-License-Identifier: Apache-2.0
#include "async/together.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

namespace async {

Task<void> first_of(Task<void> one, Task<void> other) {
  using namespace boost::asio::experimental::awaitable_operators;
  (void)co_await (std::move(one) || std::move(other));
}

}  // namespace async
