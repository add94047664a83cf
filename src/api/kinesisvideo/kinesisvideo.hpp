// SPDX-License-Identifier: Apache-2.0
#pragma once
// Handlers of the kinesisvideo service, by resource. Each translates between the API's types and the catalog, which
// knows every rule; none keeps state.

#include "api/handlers.hpp"
#include "streams/catalog.hpp"

namespace api {

void add_stream_handlers(Handlers& handlers, streams::Catalog& catalog);
void add_channel_handlers(Handlers& handlers, streams::Catalog& catalog);
void add_tag_handlers(Handlers& handlers, streams::Catalog& catalog);
void add_storage_handlers(Handlers& handlers, streams::Catalog& catalog);
void add_delivery_handlers(Handlers& handlers, streams::Catalog& catalog);
void add_edge_handlers(Handlers& handlers, streams::Catalog& catalog);
void add_endpoint_handlers(Handlers& handlers, streams::Catalog& catalog);

}  // namespace api
