// SPDX-License-Identifier: Apache-2.0
#pragma once
// The one shape of every protocol machine: no sockets, no clock, no threads, no callbacks.
//
// Contract: after each handle_*() call, drain poll_transmit() and poll_event() until both are empty, then sleep
// until next_timeout(). Spurious handle_timeout() calls are harmless.

#include <concepts>
#include <deque>
#include <optional>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/time.hpp"

namespace base {

// A datagram to send. `flow.local` says from which local address.
struct Transmit {
  Flow flow;
  Bytes payload;
};

// A datagram as received. The bytes live until the handling call returns; the machine may decrypt in place.
struct Datagram {
  Flow flow;
  MutableByteView payload;
};

template <class M>
concept SansIo = requires(M m, const M& cm, Instant now, Datagram datagram) {
  typename M::Event;
  { m.handle_datagram(now, datagram) };
  { m.handle_timeout(now) };
  { m.poll_transmit() } -> std::same_as<std::optional<Transmit>>;
  { m.poll_event() } -> std::same_as<std::optional<typename M::Event>>;
  { cm.next_timeout() } -> std::same_as<Instant>;
};

// Takes the front of a queue, or nothing.
template <class T>
std::optional<T> pop_front(std::deque<T>& queue) {
  if (queue.empty()) return std::nullopt;
  T front = std::move(queue.front());
  queue.pop_front();
  return front;
}

}  // namespace base
