// SPDX-License-Identifier: Apache-2.0
// One document after the other, in the order of the list; one fragment is in memory at a time.
#include "api/archived_media/points.hpp"
#include "api/media_services.hpp"
#include "api/resource_names.hpp"
#include "aws/archived_media.hpp"
#include "base/log.hpp"

namespace api {
namespace {

namespace archived = aws::archived_media;
using async::Task;
using streams::FragmentNumber;

constexpr std::size_t kMostFragments = 1000;

// A number that this server cannot have given names no fragment: it is missing like any other.
struct Wanted {
  std::string text;
  std::optional<FragmentNumber> number;
};

Task<base::Result<base::Bytes>> read_document(const MediaServices& services, streams::FragmentLogPtr log,
                                              const Wanted& wanted) {
  std::optional<streams::StoredFragment> fragment;
  if (wanted.number) {
    CO_TRY(fragment, co_await log->find(*wanted.number));
  }
  if (!fragment) co_return base::fail(base::Errc::NotFound, "the stream has no fragment " + wanted.text);
  auto document = co_await services.playback.media_document(log, *std::move(fragment), std::nullopt);
  co_return document;
}

// What is missing or damaged is said inside, by its number, where it would stand. Tags need a document before them:
// what comes first is said behind the first document, and without any document the call fails as a whole.
class ListAnswer {
 public:
  explicit ListAnswer(ResponseBody& response) : response_(response) {}

  Task<base::Result<void>> add(const Wanted& wanted, base::Result<base::Bytes> document) {
    if (document) {
      if (!std::exchange(started_, true)) {
        CO_TRY_VOID(co_await response_.start({kMatroskaContentType}));
      }
      CO_TRY_VOID(co_await response_.write(*document));
    } else {
      if (!first_error_) first_error_ = document.error();
      base::append(held_, streams::make_media_exception(wanted.text, document.error()));
      if (!started_) co_return base::Result<void>();
    }
    if (!held_.empty()) {
      const base::Bytes tags = std::exchange(held_, {});
      CO_TRY_VOID(co_await response_.write(tags));
    }
    co_return base::Result<void>();
  }

  // Why there is no answer at all.
  std::optional<base::Error> failure() const { return started_ ? std::nullopt : first_error_; }

 private:
  ResponseBody& response_;
  bool started_ = false;
  base::Bytes held_;  // tags that wait for a document: at most some 200 bytes for each number of the list
  std::optional<base::Error> first_error_;
};

Task<aws::Outcome<void>> get_media(const MediaServices& services, archived::GetMediaForFragmentListInput input,
                                   ResponseBody& response) {
  CO_TRY(const streams::StreamPtr stream, services.catalog.find_stream(stream_of(input)));
  if (stream->retention_hours == 0) {
    // The operation models no NoDataRetentionException: it becomes what find_error_kind picks.
    co_return base::fail(base::Errc::NoRetention,
                         "The stream " + stream->name + " keeps no data: its DataRetentionInHours is 0.");
  }
  if (input.fragments.size() > kMostFragments) {
    co_return aws::fail(archived::kFragmentLimitExceeded, "Fragments has " + std::to_string(input.fragments.size()) +
                                                              " numbers; at most 1000 are given.");
  }
  if (auto paid = charge(services, stream->key, {.media = input.fragments.size()}); !paid) co_return paid;
  const streams::FragmentLogPtr log = services.archive.log(stream->key);
  ListAnswer answer(response);
  for (std::string& text : input.fragments) {
    const auto number = FragmentNumber::parse(text);
    const Wanted wanted{std::move(text), number};
    auto document = co_await read_document(services, log, wanted);
    if (!document) {
      base::log_warning("GetMediaForFragmentList of {}: {}", stream->name, document.error().message);
    }
    CO_TRY_VOID(co_await answer.add(wanted, std::move(document)));
  }
  if (auto failure = answer.failure()) co_return std::unexpected(aws::Error(*std::move(failure)));
  co_return aws::Outcome<void>{};
}

}  // namespace

void add_get_media_for_fragment_list(Handlers& handlers, MediaServices services) {
  handlers.add_streaming<archived::GetMediaForFragmentList>(
      [services](const Call&, archived::GetMediaForFragmentListInput input, ResponseBody& response) {
        return get_media(services, std::move(input), response);
      });
}

}  // namespace api
