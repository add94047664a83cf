// SPDX-License-Identifier: Apache-2.0
#pragma once
// CLI11 by name only: its header costs seconds, and a command's interface does not need it.

namespace CLI {  // NOLINT(readability-identifier-naming): the library's own name
class App;
}
