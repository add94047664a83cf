// SPDX-License-Identifier: Apache-2.0
// TagStream, UntagStream, ListTagsForStream and the three that take any ARN. At most 50 tags: one page holds them all.
#include "api/kinesisvideo/kinesisvideo.hpp"
#include "api/outcome.hpp"
#include "api/whole_list.hpp"
#include "aws/kinesisvideo.hpp"

namespace api {

namespace kv = aws::kinesisvideo;

namespace {

Answer<kv::TagStreamOutput> tag_stream(streams::Catalog& catalog, kv::TagStreamInput input) {
  CO_TRY(const streams::StreamPtr stream, catalog.find_stream({input.stream_name, input.stream_arn}));
  auto tagged = co_await catalog.put_tags(stream->arn, std::move(input.tags));
  if (!tagged) co_return std::unexpected(limit_as(std::move(tagged).error(), kv::kTagsPerResourceExceededLimit));
  co_return kv::TagStreamOutput{};
}

Answer<kv::UntagStreamOutput> untag_stream(streams::Catalog& catalog, kv::UntagStreamInput input) {
  CO_TRY(const streams::StreamPtr stream, catalog.find_stream({input.stream_name, input.stream_arn}));
  auto untagged = co_await catalog.remove_tags(stream->arn, std::move(input.tag_key_list));
  if (!untagged) co_return base::fail(std::move(untagged).error());
  co_return kv::UntagStreamOutput{};
}

Answer<kv::ListTagsForStreamOutput> list_stream_tags(streams::Catalog& catalog, kv::ListTagsForStreamInput input) {
  CO_TRY(const streams::StreamPtr stream, catalog.find_stream({input.stream_name, input.stream_arn}));
  if (auto checked = check_no_token(input); !checked) co_return std::unexpected(std::move(checked).error());
  kv::ListTagsForStreamOutput output;
  output.tags = stream->tags;
  co_return output;
}

Answer<kv::TagResourceOutput> tag_resource(streams::Catalog& catalog, kv::TagResourceInput input) {
  streams::Tags tags;
  for (kv::Tag& tag : input.tags) tags[std::move(tag.key)] = std::move(tag.value);
  auto tagged = co_await catalog.put_tags(std::move(input.resource_arn), std::move(tags));
  if (!tagged) co_return std::unexpected(limit_as(std::move(tagged).error(), kv::kTagsPerResourceExceededLimit));
  co_return kv::TagResourceOutput{};
}

Answer<kv::UntagResourceOutput> untag_resource(streams::Catalog& catalog, kv::UntagResourceInput input) {
  auto untagged = co_await catalog.remove_tags(std::move(input.resource_arn), std::move(input.tag_key_list));
  if (!untagged) co_return base::fail(std::move(untagged).error());
  co_return kv::UntagResourceOutput{};
}

Answer<kv::ListTagsForResourceOutput> list_resource_tags(streams::Catalog& catalog,
                                                         kv::ListTagsForResourceInput input) {
  CO_TRY(auto tags, catalog.find_tags(input.resource_arn));
  if (auto checked = check_no_token(input); !checked) co_return std::unexpected(std::move(checked).error());
  kv::ListTagsForResourceOutput output;
  output.tags = std::move(tags);
  co_return output;
}

}  // namespace

void add_tag_handlers(Handlers& handlers, streams::Catalog& catalog) {
  handlers.add<kv::TagStream>([&](const Call&, auto input) { return tag_stream(catalog, std::move(input)); });
  handlers.add<kv::UntagStream>([&](const Call&, auto input) { return untag_stream(catalog, std::move(input)); });
  handlers.add<kv::ListTagsForStream>(
      [&](const Call&, auto input) { return list_stream_tags(catalog, std::move(input)); });
  handlers.add<kv::TagResource>([&](const Call&, auto input) { return tag_resource(catalog, std::move(input)); });
  handlers.add<kv::UntagResource>([&](const Call&, auto input) { return untag_resource(catalog, std::move(input)); });
  handlers.add<kv::ListTagsForResource>(
      [&](const Call&, auto input) { return list_resource_tags(catalog, std::move(input)); });
}

}  // namespace api
