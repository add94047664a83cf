# Every library comes from a Debian package; tools/apt-packages.txt lists them.
find_package(OpenSSL 3 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(SQLite3 REQUIRED)
find_package(CURL REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(ffmpeg REQUIRED IMPORTED_TARGET libavcodec libavformat libavutil libswscale libswresample)
pkg_check_modules(opus REQUIRED IMPORTED_TARGET opus)
pkg_check_modules(ogg REQUIRED IMPORTED_TARGET ogg)

# Intel's AES and SHA-1, three to four times as fast as OpenSSL's for packets. Only for x86-64; elsewhere OpenSSL does it.
find_library(IPSEC_MB_LIBRARY IPSec_MB)
add_library(ipsec_mb INTERFACE)
if(IPSEC_MB_LIBRARY AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  target_link_libraries(ipsec_mb INTERFACE ${IPSEC_MB_LIBRARY})
  # Of these files alone: as a definition of the library's users it would be everybody's.
  set_source_files_properties(src/webrtc/srtp/fast_gcm.cpp src/webrtc/srtp/cm_lanes.cpp PROPERTIES COMPILE_DEFINITIONS TIDEGATE_HAS_IPSEC_MB)
endif()

# Asio by piece, header-only; no deprecated names, so that what compiles stays current.
add_library(asio INTERFACE)
target_link_libraries(asio INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(asio INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_ARRAY)

add_library(tomlplusplus INTERFACE)
target_compile_definitions(tomlplusplus INTERFACE TOML_EXCEPTIONS=0)
if(NOT TARGET SQLite::SQLite3)
  add_library(SQLite::SQLite3 ALIAS SQLite3::SQLite3)
endif()
