// SPDX-License-Identifier: Apache-2.0
#include "api/archived_media/points.hpp"
#include "api/fragment_times.hpp"
#include "api/media_services.hpp"
#include "api/resource_names.hpp"
#include "aws/archived_media.hpp"

namespace api {
namespace {

namespace archived = aws::archived_media;
using async::Task;

constexpr std::int64_t kDefaultResults = 100;

archived::Fragment describe(const streams::StoredFragment& stored) {
  archived::Fragment fragment;
  fragment.fragment_number = stored.header.number.text();
  fragment.fragment_size_in_bytes = stored.payload_size;
  fragment.producer_timestamp = to_shown_time(stored.header.producer_time);
  fragment.server_timestamp = to_shown_time(stored.header.server_time);
  fragment.fragment_length_in_milliseconds =
      std::chrono::round<std::chrono::milliseconds>(stored.header.duration).count();
  return fragment;
}

Task<aws::Outcome<archived::ListFragmentsOutput>> list_fragments(const MediaServices& services,
                                                                 archived::ListFragmentsInput input) {
  CO_TRY(const streams::StreamPtr stream, services.catalog.find_stream(stream_of(input)));
  const streams::FragmentLogPtr log = services.archive.log(stream->key);
  const auto limit = static_cast<std::size_t>(input.max_results.value_or(kDefaultResults));
  if (auto paid = charge(services, stream->key, {.metadata = limit}); !paid) {
    co_return std::unexpected(std::move(paid).error());
  }
  streams::FragmentPage page;
  if (input.next_token) {
    CO_TRY(page, co_await log->list_next(*input.next_token, limit));
  } else {
    streams::FragmentQuery query{
        .axis = streams::TimeAxis::Server, .from = std::nullopt, .to = std::nullopt, .limit = limit};
    if (input.fragment_selector) {
      const archived::TimestampRange& range = input.fragment_selector->timestamp_range;
      if (range.end_timestamp < range.start_timestamp) {
        co_return aws::fail(archived::kInvalidArgument, "EndTimestamp must not be before StartTimestamp.");
      }
      if (input.fragment_selector->fragment_selector_type == archived::FragmentSelectorType::ProducerTimestamp) {
        query.axis = streams::TimeAxis::Producer;
      }
      query.from = range.start_timestamp;
      query.to = to_inclusive_end(range.end_timestamp);
    }
    CO_TRY(page, co_await log->list(query));
  }
  archived::ListFragmentsOutput output;
  for (const streams::StoredFragment& fragment : page.fragments) output.fragments.push_back(describe(fragment));
  if (!page.next_token.empty()) output.next_token = page.next_token;
  co_return output;
}

}  // namespace

void add_list_fragments(Handlers& handlers, MediaServices services) {
  handlers.add<archived::ListFragments>([services](const Call&, archived::ListFragmentsInput input) {
    return list_fragments(services, std::move(input));
  });
}

}  // namespace api
