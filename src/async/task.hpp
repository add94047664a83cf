// SPDX-License-Identifier: Apache-2.0
#pragma once
// The coroutine type of the world band. Clang only (g++ 12 miscompiles co_await); never co_await inside a braced
// initialiser, and name temporaries before co_await.

#include <boost/asio/awaitable.hpp>

namespace async {

// Lazy: runs when awaited, or when given to Shard::spawn. Stays on the shard that started it.
// A cancelled task unwinds with boost::system::system_error(operation_aborted) at its next co_await;
// destructors run, and further co_awaits in a catch block throw again.
template <class T>
using Task = boost::asio::awaitable<T>;

}  // namespace async
