// SPDX-License-Identifier: Apache-2.0
#include "api/signing_certificate.hpp"

#include "net/http_server.hpp"

namespace api {

void add_signing_certificate(Handlers& handlers, std::string pem) {
  handlers.add_route(std::string(kSigningCertificatePath),
                     [pem = std::move(pem)](const Call& call, net::HttpExchange& exchange) -> async::Task<void> {
                       net::HttpResponse response;
                       response.headers.add("Content-Type", "application/x-pem-file");
                       response.headers.add("x-amzn-RequestId", call.request_id);
                       response.body = pem;
                       // A client that has gone is the connection's business.
                       [[maybe_unused]] const auto sent = co_await exchange.respond(std::move(response));
                     });
}

}  // namespace api
