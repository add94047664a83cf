// SPDX-License-Identifier: Apache-2.0
#include "api/archived_media/points.hpp"
#include "api/archived_media/selection_rules.hpp"
#include "api/fragment_times.hpp"
#include "api/media_services.hpp"
#include "api/resource_names.hpp"
#include "aws/archived_media.hpp"

namespace api {
namespace {

namespace archived = aws::archived_media;
using async::Task;

constexpr std::size_t kPiece = 256 * 1024;

aws::Outcome<streams::ClipRequest> read_request(const archived::GetClipInput& input) {
  const archived::ClipFragmentSelector& selector = input.clip_fragment_selector;
  streams::ClipRequest request;
  if (selector.fragment_selector_type == archived::ClipFragmentSelectorType::ProducerTimestamp) {
    request.axis = streams::TimeAxis::Producer;
  }
  request.from = selector.timestamp_range.start_timestamp;
  request.to = selector.timestamp_range.end_timestamp;
  if (auto fits = check_range(request.from, request.to); !fits) return std::unexpected(std::move(fits).error());
  request.to = to_inclusive_end(request.to);
  return request;
}

aws::Error to_clip_error(base::Error error) {
  if (error.code == base::Errc::Unsupported) return {archived::kUnsupportedStreamMediaType, std::move(error.message)};
  if (error.code == base::Errc::LimitExceeded) return {archived::kInvalidCodecPrivateData, std::move(error.message)};
  if (error.code == base::Errc::Corrupt) return {archived::kInvalidMediaFrame, std::move(error.message)};
  return {std::move(error)};
}

Task<aws::Outcome<void>> get_clip(const MediaServices& services, archived::GetClipInput input, ResponseBody& response) {
  CO_TRY(const streams::StreamPtr stream, services.catalog.find_stream(stream_of(input)));
  auto request = read_request(input);
  if (!request) co_return std::unexpected(std::move(request).error());
  if (auto kept = check_keeps_data(*stream); !kept) co_return std::unexpected(std::move(kept).error());
  const streams::FragmentLogPtr log = services.archive.log(stream->key);
  auto chosen = co_await services.clips.choose(log, *request);
  if (!chosen) co_return std::unexpected(to_clip_error(std::move(chosen).error()));
  auto paid = charge(services, stream->key, {.metadata = chosen->size(), .media = chosen->size()});
  if (!paid) co_return std::unexpected(std::move(paid).error());
  auto made = co_await services.clips.make(log, *std::move(chosen));
  if (!made) co_return std::unexpected(to_clip_error(std::move(made).error()));
  const std::unique_ptr<streams::Clip> clip = *std::move(made);
  CO_TRY_VOID(co_await response.start({"video/mp4", clip->size()}));
  for (std::uint64_t offset = 0; offset < clip->size();) {
    CO_TRY(const base::Bytes piece, co_await services.renderers.run([&] { return clip->read(offset, kPiece); }));
    if (piece.empty())
      co_return aws::Outcome<void>(std::unexpected(aws::Error(base::Error(base::Errc::Io, "a clip was cut"))));
    offset += piece.size();
    CO_TRY_VOID(co_await response.write(piece));
  }
  co_return aws::Outcome<void>{};
}

}  // namespace

void add_get_clip(Handlers& handlers, MediaServices services) {
  handlers.add_streaming<archived::GetClip>(
      [services](const Call&, archived::GetClipInput input, ResponseBody& response) {
        return get_clip(services, std::move(input), response);
      });
}

}  // namespace api
