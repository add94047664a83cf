// SPDX-License-Identifier: Apache-2.0
#pragma once
// Log lines for operators. Never one per packet, never a secret.

#include <fmt/format.h>

#include <string_view>

namespace base {

enum class LogLevel { Debug, Info, Warning, Error, Off };  // Off: for tests that make trouble on purpose

// Process-wide, may be called from any thread; lines go to standard error, so that standard output stays for data.
void set_log_level(LogLevel level);
void write_log(LogLevel level, std::string_view line);

template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  write_log(LogLevel::Debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  write_log(LogLevel::Info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  write_log(LogLevel::Warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  write_log(LogLevel::Error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace base
