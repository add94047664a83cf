// SPDX-License-Identifier: Apache-2.0
#include "api/media_services.hpp"
#include "api/resource_names.hpp"
#include "async/shard.hpp"
#include "async/timer.hpp"
#include "aws/media.hpp"
#include "base/log.hpp"
#include "base/token_bucket.hpp"

namespace api {
namespace {

using async::Task;
using aws::media::StartSelector;
using aws::media::StartSelectorType;
using streams::FragmentNumber;

constexpr std::size_t kReadAhead = 16;
// NOW begins with the newest fragment when it is this young: playing starts at once instead of at the next commit.
constexpr auto kNow = std::chrono::seconds(10);

FragmentNumber just_before(const streams::StoredFragment& fragment) {
  return {fragment.header.number.value - 1};
}

aws::Outcome<FragmentNumber> parse_number(const std::optional<std::string>& text, const char* member) {
  if (!text)
    return aws::fail(aws::media::kInvalidArgument, std::string(member) + " is required with this StartSelectorType.");
  const auto number = FragmentNumber::parse(*text);
  if (!number)
    return aws::fail(aws::media::kInvalidArgument, std::string(member) + " is not a fragment number of this stream.");
  return *number;
}

// The fragment after which the answer starts.
Task<aws::Outcome<FragmentNumber>> find_start(streams::FragmentLogPtr log, StartSelector selector, base::WallTime now) {
  const std::optional<streams::StoredFragment> last = log->last();
  const FragmentNumber end = last ? last->header.number : FragmentNumber{};
  switch (selector.start_selector_type) {
    case StartSelectorType::Earliest:
      co_return FragmentNumber{};
    case StartSelectorType::Now:
      if (last && now - (last->header.server_time + last->header.duration) < kNow) co_return just_before(*last);
      co_return end;
    case StartSelectorType::FragmentNumber:
      co_return parse_number(selector.after_fragment_number, "AfterFragmentNumber");
    case StartSelectorType::ContinuationToken:
      co_return parse_number(selector.continuation_token, "ContinuationToken");
    case StartSelectorType::ServerTimestamp:
    case StartSelectorType::ProducerTimestamp:
      break;
  }
  if (!selector.start_timestamp) {
    co_return aws::fail(aws::media::kInvalidArgument, "StartTimestamp is required with this StartSelectorType.");
  }
  const bool server = selector.start_selector_type == StartSelectorType::ServerTimestamp;
  const auto axis = server ? streams::TimeAxis::Server : streams::TimeAxis::Producer;
  CO_TRY(const std::optional<streams::StoredFragment> first,
         co_await log->starting_at(axis, *selector.start_timestamp));
  co_return first ? just_before(*first) : end;
}

// Fragments behind `after`, waiting for the next one; empty when the wait is over.
Task<base::Result<std::vector<streams::StoredFragment>>> next_fragments(streams::FragmentLogPtr log,
                                                                        FragmentNumber after, base::Duration patience) {
  CO_TRY(std::vector<streams::StoredFragment> fragments, co_await log->after(after, kReadAhead));
  if (!fragments.empty()) co_return fragments;
  const base::Duration wait = patience.count() > 0 ? patience : base::Duration(std::chrono::hours(1));
  do {
    std::optional<streams::StoredFragment> next = co_await log->wait_after(after, wait);
    if (next) fragments.push_back(*std::move(next));
  } while (fragments.empty() && patience.count() == 0 && !log->deleted());
  co_return fragments;
}

Task<aws::Outcome<void>> get_media(const MediaServices& services, aws::media::GetMediaInput input,
                                   ResponseBody& response) {
  CO_TRY(const streams::StreamPtr stream, services.catalog.find_stream(stream_of(input)));
  const streams::FragmentLogPtr log = services.archive.log(stream->key);
  auto start = co_await find_start(log, input.start_selector, async::wall_now());
  if (!start) co_return std::unexpected(std::move(start).error());
  CO_TRY_VOID(co_await response.start({kMatroskaContentType}));

  const std::uint64_t rate = services.throttle == nullptr ? 0 : services.throttle->limits()[Limit::GetMediaFragments];
  base::TokenBucket fragment_rate;
  bool written = false;
  for (FragmentNumber after = *start;;) {
    CO_TRY(const std::vector<streams::StoredFragment> fragments,
           co_await next_fragments(log, after, services.get_media_patience));
    if (fragments.empty()) co_return aws::Outcome<void>{};
    for (const streams::StoredFragment& fragment : fragments) {
      after = fragment.header.number;
      const base::Duration wait = fragment_rate.reserve(async::now(), rate, 1);
      if (wait.count() > 0) co_await async::sleep_for(wait);
      auto document = co_await services.playback.media_document(log, fragment, async::wall_now());
      base::Bytes bytes;
      if (document) {
        bytes = *std::move(document);
      } else {
        base::log_warning("GetMedia of {}: fragment {} is left out: {}", stream->name, after.text(),
                          document.error().message);
        if (!written) continue;  // Tags need a document to stand in
        bytes = streams::make_media_error();
      }
      CO_TRY_VOID(co_await response.write(bytes));
      written = true;
    }
  }
}

}  // namespace

void add_get_media(Handlers& handlers, MediaServices services) {
  handlers.add_streaming<aws::media::GetMedia>(
      [services](const Call&, aws::media::GetMediaInput input, ResponseBody& response) {
        return get_media(services, std::move(input), response);
      });
}

}  // namespace api
