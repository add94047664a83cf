// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where receivers of notifications get the certificate that they check signatures with.

#include <string>
#include <string_view>

#include "api/handlers.hpp"

namespace api {

inline constexpr std::string_view kSigningCertificatePath = "/notifications/v1/signing-certificate.pem";

// An unsigned GET of that path; it is public by its nature.
void add_signing_certificate(Handlers& handlers, std::string pem);

}  // namespace api
