// SPDX-License-Identifier: Apache-2.0
// What a stream has recorded: coverage and fragments (docs/api.md).
#include "api/media_handlers.hpp"
#include "api/recording_answers.hpp"
#include "aws/json.hpp"

namespace api {
namespace {

constexpr std::size_t kMostResults = 1000;
constexpr std::size_t kUsualFragments = 100;

using Json = async::Task<aws::Outcome<std::string>>;

Json read_coverage(const MediaServices services, ReadRequest request) {
  CO_TRY_VOID(request.allow({"from", "to", "maxResults", "nextToken"}));
  CO_TRY(const streams::StreamPtr stream, services.catalog.find_stream({.name = request.name, .arn = {}}));
  streams::CoverageQuery query;
  CO_TRY(query.from, request.time("from"));
  CO_TRY(query.to, request.time("to"));
  CO_TRY(query.limit, request.count("maxResults", kMostResults, kMostResults));
  query.token = request.find("nextToken").value_or("");
  CO_TRY(const streams::Coverage coverage, co_await services.archive.log(stream->key)->coverage(std::move(query)));
  co_return aws::encode(describe(stream->name, coverage));
}

Json read_fragments(const MediaServices services, ReadRequest request) {
  CO_TRY_VOID(request.allow({"from", "to", "maxResults", "nextToken"}));
  CO_TRY(const streams::StreamPtr stream, services.catalog.find_stream({.name = request.name, .arn = {}}));
  streams::FragmentQuery query;
  query.axis = streams::TimeAxis::Producer;
  CO_TRY(query.from, request.time("from"));
  CO_TRY(query.to, request.time("to"));
  CO_TRY(query.limit, request.count("maxResults", kUsualFragments, kMostResults));
  const streams::FragmentLogPtr log = services.archive.log(stream->key);
  const auto token = request.find("nextToken");
  streams::FragmentPage page;
  if (token) {
    CO_TRY(page, co_await log->list_next(*token, query.limit));
  } else {
    CO_TRY(page, co_await log->list(query));
  }
  FragmentsAnswer answer;
  answer.stream_name = stream->name;
  for (const streams::StoredFragment& fragment : page.fragments) answer.fragments.push_back(describe(fragment));
  if (!page.next_token.empty()) answer.next_token = page.next_token;
  co_return aws::encode(answer);
}

}  // namespace

void add_recording_reads(Handlers& handlers, MediaServices services) {
  handlers.add_read("/api/v1/streams/", "/coverage", [services](const Call&, ReadRequest request) {
    return read_coverage(services, std::move(request));
  });
  handlers.add_read("/api/v1/streams/", "/fragments", [services](const Call&, ReadRequest request) {
    return read_fragments(services, std::move(request));
  });
}

}  // namespace api
