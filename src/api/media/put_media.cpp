// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <utility>

#include "api/media_services.hpp"
#include "api/resource_names.hpp"
#include "async/shard.hpp"
#include "async/together.hpp"
#include "aws/media.hpp"
#include "base/log.hpp"

namespace api {
namespace {

using async::Task;
using aws::media::FragmentTimecodeType;
using aws::media::PutMediaInput;
using streams::ProducerAck;
using streams::ProducerError;
using streams::ProducerSession;

constexpr const char* kContentType = "application/json";
// After the last acknowledgement a producer is given so long to stop sending; closing at once could lose it.
constexpr auto kLinger = std::chrono::seconds(2);
constexpr double kLatestStart = 253'402'300'799.0;  // the end of year 9999

// Contract 4.2.
std::string_view name_of(ProducerError error) {
  switch (error) {
    case ProducerError::StreamRead:
      return "STREAM_READ_ERROR";
    case ProducerError::FragmentTooLarge:
      return "MAX_FRAGMENT_SIZE_REACHED";
    case ProducerError::FragmentTooLong:
      return "MAX_FRAGMENT_DURATION_REACHED";
    case ProducerError::FragmentTooShort:
      return "MIN_FRAGMENT_DURATION_REACHED";
    case ProducerError::ConnectionTooLong:
      return "MAX_CONNECTION_DURATION_REACHED";
    case ProducerError::TimecodeNotLater:
      return "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS";
    case ProducerError::InvalidMatroska:
      return "INVALID_MKV_DATA";
    case ProducerError::InvalidProducerTimestamp:
      return "INVALID_PRODUCER_TIMESTAMP";
    case ProducerError::StreamNotActive:
      return "STREAM_NOT_ACTIVE";
    case ProducerError::TooMuchMetadata:
      return "FRAGMENT_METADATA_LIMIT_REACHED";
    case ProducerError::TrackNumberMismatch:
      return "TRACK_NUMBER_MISMATCH";
    case ProducerError::FramesMissingForTrack:
      return "FRAMES_MISSING_FOR_TRACK";
    case ProducerError::TooManyTracks:
      return "MORE_THAN_ALLOWED_TRACKS_FOUND";
    case ProducerError::Internal:
      return "INTERNAL_ERROR";
    case ProducerError::Archival:
      return "ARCHIVAL_ERROR";
  }
  return "INTERNAL_ERROR";
}

// One line; the order of the members is that of the service.
std::string render(const ProducerAck& ack) {
  static constexpr const char* kKinds[] = {"BUFFERING", "RECEIVED", "PERSISTED", "ERROR", "IDLE"};
  std::string line = fmt::format("{{\"EventType\":\"{}\"", kKinds[static_cast<std::size_t>(ack.kind)]);
  if (ack.timecode_ms) line += fmt::format(",\"FragmentTimecode\":{}", *ack.timecode_ms);
  if (ack.number) line += fmt::format(",\"FragmentNumber\":\"{}\"", ack.number->text());
  if (ack.error) {
    line += fmt::format(",\"ErrorId\":{},\"ErrorCode\":\"{}\"", acknowledgement_id(*ack.error), name_of(*ack.error));
  }
  return line + "}\n";
}

aws::Outcome<base::WallTime> parse_start(const std::optional<std::string>& text) {
  double seconds = 0;
  const char* const end = text ? text->data() + text->size() : nullptr;
  const bool parsed = text && std::from_chars(text->data(), end, seconds).ptr == end;
  if (parsed && seconds >= 0 && seconds <= kLatestStart) {
    return base::from_microseconds(std::llround(seconds * 1'000'000));
  }
  return aws::fail(aws::media::kInvalidArgument,
                   "x-amzn-producer-start-timestamp must be seconds since the epoch when the fragments' time codes "
                   "are RELATIVE");
}

// One call: two tasks on one session, one reads the body, the other writes acknowledgements.
class Connection {
 public:
  Connection(ProducerSession& session, RequestBody& request, ResponseBody& response, PutMediaCounts& counts)
      : session_(session), request_(request), response_(response), counts_(counts) {}

  Task<void> read() {
    bool more = true;
    while (more && !session_.is_over()) {
      co_await wait_for_room();
      if (!session_.is_over()) more = co_await read_piece();
    }
    while (more) {  // what comes behind an error is not wanted
      const auto piece = co_await request_.read_some();
      more = piece && !piece->empty();
    }
    has_read_ = true;
    session_.changed().notify_all();
    // The answer decides when both end.
    for (;;) co_await session_.changed().wait(session_.changed().ticket(), base::kNever);
  }

  Task<void> answer() {
    for (;;) {
      const std::uint64_t ticket = session_.changed().ticket();
      session_.handle_time(async::now(), async::wall_now());
      counts_.note_fragments(session_.stats().fragments);
      while (const auto ack = session_.poll_ack()) {
        if (ack->error) counts_.note_error(*ack->error);
        const std::string line = render(*ack);
        const auto written = co_await response_.write(base::as_bytes(line));
        if (!written) co_return;
      }
      if (session_.is_settled()) break;
      // There is room again because acknowledgements have left: nobody else tells the reader.
      if (session_.accepts_bytes() && std::exchange(waits_for_room_, false)) session_.changed().notify_all();
      co_await session_.changed().wait(ticket, session_.next_time());
    }
    const auto finished = co_await response_.finish();
    if (!finished) co_return;
    const base::Instant deadline = async::now() + kLinger;
    for (;;) {
      const std::uint64_t ticket = session_.changed().ticket();
      if (has_read_) co_return;
      const bool notified = co_await session_.changed().wait(ticket, deadline);
      if (!notified) co_return;
    }
  }

 private:
  // Back-pressure: while the store has enough to do, the producer's bytes stay in the socket.
  Task<void> wait_for_room() {
    for (;;) {
      const std::uint64_t ticket = session_.changed().ticket();
      session_.handle_time(async::now(), async::wall_now());
      waits_for_room_ = !session_.accepts_bytes() && !session_.is_over();
      if (!waits_for_room_) co_return;
      co_await session_.changed().wait(ticket, base::kNever);
    }
  }

  // False at the end of the body.
  Task<bool> read_piece() {
    const auto piece = co_await request_.read_some();
    if (piece && !piece->empty()) {
      session_.handle_bytes(*piece, async::now(), async::wall_now());
    } else {
      session_.handle_end(piece.has_value(), async::now(), async::wall_now());
    }
    session_.changed().notify_all();
    co_return piece && !piece->empty();
  }

  ProducerSession& session_;
  RequestBody& request_;
  ResponseBody& response_;
  PutMediaCounts::Connection counts_;
  bool waits_for_room_ = false;
  bool has_read_ = false;
};

aws::Outcome<streams::ProducerSettings> make_settings(const PutMediaInput& input) {
  if (input.stream_name && input.stream_arn) {
    return aws::fail(aws::media::kInvalidArgument, "x-amzn-stream-name and x-amzn-stream-arn exclude each other");
  }
  streams::ProducerSettings settings;
  settings.absolute = input.fragment_timecode_type == FragmentTimecodeType::Absolute;
  settings.wants_acks = input.fragment_acknowledgment_required != "0";
  if (!settings.absolute) {
    auto start = parse_start(input.producer_start_timestamp);
    if (!start) return std::unexpected(std::move(start).error());
    settings.start = *start;
  }
  return settings;
}

Task<aws::Outcome<void>> put_media(const MediaServices& services, PutMediaInput input, RequestBody& request,
                                   ResponseBody& response) {
  auto settings = make_settings(input);
  if (!settings) co_return std::unexpected(std::move(settings).error());
  CO_TRY(const streams::StreamPtr stream, services.catalog.find_stream(stream_of(input)));
  CO_TRY_VOID(co_await response.start({kContentType}));
  // The session knows better when a producer is silent for too long: it may be we who do not read.
  request.set_timeout(services.put_media.idle + kLinger);
  ProducerSession session(*settings, services.put_media, services.archive.log(stream->key), async::now());
  Connection connection(session, request, response, services.put_media_counts);
  co_await async::first_of(connection.read(), connection.answer());
  co_return aws::Outcome<void>{};
}

}  // namespace

void add_put_media(Handlers& handlers, MediaServices services) {
  handlers.add_streaming_request<aws::media::PutMedia>(
      [services](const Call&, PutMediaInput input, RequestBody& request, ResponseBody& response) {
        return put_media(services, std::move(input), request, response);
      });
}

}  // namespace api
