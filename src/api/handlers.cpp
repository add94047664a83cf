// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace api {

void Handlers::add_erased(const aws::Operation& operation, Erased handler) {
  CHECK(operation.kind == aws::OperationKind::Json && !serves(operation));
  handlers_.emplace(&operation, std::move(handler));
}

void Handlers::add_erased_streaming(const aws::Operation& operation, ErasedStreaming handler) {
  CHECK(operation.kind == aws::OperationKind::StreamingResponse && !serves(operation));
  streaming_.emplace(&operation, std::move(handler));
}

void Handlers::add_erased_streaming_request(const aws::Operation& operation, ErasedStreamingRequest handler) {
  CHECK(operation.kind == aws::OperationKind::StreamingRequest && !serves(operation));
  streaming_requests_.emplace(&operation, std::move(handler));
}

void Handlers::add_route(std::string prefix, Route route) {
  CHECK(prefix.starts_with('/'));
  routes_.emplace_back(std::move(prefix), std::move(route));
}

void Handlers::add_read(std::string before, std::string after, Read handler) {
  CHECK(before.starts_with("/api/v1/"));
  reads_.push_back({std::move(before), std::move(after), std::move(handler)});
}

void Handlers::add_change(std::string method, std::string path, Read handler) {
  CHECK(path.starts_with("/api/v1/") && method != "GET");
  reads_.push_back({std::move(path), "", std::move(handler), std::move(method)});
}

std::string Handlers::ReadRow::pattern() const {
  const std::string path = after.empty() ? before : before + "{name}" + after;
  return method == "GET" ? path : method + " " + path;
}

const Handlers::ReadRow* Handlers::find_read(std::string_view path, std::string_view method) const {
  const auto is_at = [path](const ReadRow& each) {
    if (each.after.empty()) return path == each.before;
    if (path.size() <= each.before.size() + each.after.size()) return false;
    const std::string_view name = path.substr(each.before.size(), path.size() - each.before.size() - each.after.size());
    return path.starts_with(each.before) && path.ends_with(each.after) && !name.contains('/');
  };
  const ReadRow* found = nullptr;
  for (const ReadRow& row : reads_) {
    if (!is_at(row)) continue;
    if (row.method == method) return &row;
    found = &row;
  }
  return found;
}

const Handlers::Erased* Handlers::find(const aws::Operation& operation) const {
  const auto found = handlers_.find(&operation);
  return found == handlers_.end() ? nullptr : &found->second;
}

const Handlers::ErasedStreaming* Handlers::find_streaming(const aws::Operation& operation) const {
  const auto found = streaming_.find(&operation);
  return found == streaming_.end() ? nullptr : &found->second;
}

const Handlers::ErasedStreamingRequest* Handlers::find_streaming_request(const aws::Operation& operation) const {
  const auto found = streaming_requests_.find(&operation);
  return found == streaming_requests_.end() ? nullptr : &found->second;
}

const Handlers::Route* Handlers::find_route(std::string_view path) const {
  for (const auto& [prefix, route] : routes_) {
    if (path.starts_with(prefix)) return &route;
  }
  return nullptr;
}

bool Handlers::serves(const aws::Operation& operation) const {
  return find(operation) != nullptr || find_streaming(operation) != nullptr ||
         find_streaming_request(operation) != nullptr;
}

}  // namespace api
