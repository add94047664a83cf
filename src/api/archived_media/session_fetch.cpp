// SPDX-License-Identifier: Apache-2.0
#include "api/archived_media/session_fetch.hpp"

#include <algorithm>
#include <charconv>

#include "api/read_request.hpp"

namespace api {
namespace {

constexpr std::uint32_t kLongestSide = 16'384;

// Of a picture, in pixels; 0 when it is none.
std::uint32_t read_side(const std::optional<std::string>& text) {
  std::uint32_t side = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), side);
  return side <= kLongestSide ? side : 0;
}

// What is no number counts as too far away, which is an answer of 400.
std::optional<std::uint64_t> read_count(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), count);
  if (error != std::errc() || end != text->data() + text->size()) return UINT32_MAX;
  return std::min<std::uint64_t>(count, UINT32_MAX);
}

}  // namespace

streams::SessionFetch read_session_fetch(std::string_view path, std::string_view query) {
  streams::SessionFetch fetch;
  fetch.resource = path.substr(path.rfind('/') + 1);
  fetch.token = find_query_value(query, "SessionToken").value_or("");
  fetch.track_number = find_query_value(query, "TrackNumber");
  fetch.fragment_number = find_query_value(query, "FragmentNumber");
  fetch.time = find_query_value(query, "Time");
  fetch.edges.from_picture = find_query_value(query, "From") == "Picture";
  fetch.edges.to_picture = find_query_value(query, "To") == "Picture";
  fetch.last = find_query_value(query, "Last");
  fetch.timescale = find_query_value(query, "Timescale");
  fetch.init.codec = find_query_value(query, "Codec").value_or("");
  fetch.init.codec_private = find_query_value(query, "CodecPrivate");
  fetch.init.width = read_side(find_query_value(query, "PixelWidth"));
  fetch.init.height = read_side(find_query_value(query, "PixelHeight"));
  fetch.part = read_count(find_query_value(query, "Part"));
  const auto low_latency = find_query_value(query, "LowLatency");
  if (low_latency) fetch.low_latency = *low_latency == "true";
  fetch.reload.msn = read_count(find_query_value(query, "_HLS_msn"));
  fetch.reload.part = read_count(find_query_value(query, "_HLS_part"));
  fetch.reload.skip = find_query_value(query, "_HLS_skip").has_value();
  return fetch;
}

}  // namespace api
