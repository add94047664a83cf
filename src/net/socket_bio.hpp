// SPDX-License-Identifier: Apache-2.0
#pragma once
// Private to the net room: an OpenSSL BIO on a non-blocking socket that somebody else owns. OpenSSL's own raises
// SIGPIPE when the peer has gone.

#include <openssl/bio.h>

namespace net {

// Reads and writes the socket that `socket` names at that moment, which must outlive it; never closes it. Belongs to
// the SSL object that it is given to.
BIO* make_socket_bio(int& socket);

}  // namespace net
