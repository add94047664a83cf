# room(<folder> [PURE] [DEPENDS <folder>...] [LINKS <library>...])
#
# One folder under src/ is one library with its tests and fuzzers; `webrtc/ice` becomes target webrtc_ice.
# PURE rooms do no I/O, read no clock, start no thread (tools/check_layers.py enforces it).
#   foo.hpp foo.cpp   -> the library
#   foo_test.cpp      -> <name>_test, one GoogleTest binary per room, built as one unity unit
#   foo_fuzz.cpp      -> <name>_foo_fuzz (libFuzzer) in the fuzz preset
#   A fuzz target's corpus is tests/fuzz_corpus/<name>_<foo>/; every build replays it through <name>_foo_replay.
find_package(GTest REQUIRED)
set(SANITIZE "" CACHE STRING "Comma separated -fsanitize list")
option(FUZZ "Build libFuzzer targets" OFF)

include(cmake/link_time.cmake)

add_library(project_options INTERFACE)
target_include_directories(project_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(project_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Werror
                       -fno-omit-frame-pointer)
target_link_options(project_options INTERFACE -fuse-ld=lld-19)
if(SANITIZE)
  target_compile_options(project_options INTERFACE -fsanitize=${SANITIZE} -fno-sanitize-recover=all)
  target_link_options(project_options INTERFACE -fsanitize=${SANITIZE})
  # Recycled coroutine frames hide use-after-free from ASan.
  target_compile_definitions(project_options INTERFACE BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING)
endif()
if(FUZZ)
  target_compile_options(project_options INTERFACE -fsanitize=fuzzer-no-link)  # coverage inside the libraries too
endif()

# GoogleTest costs 2 s a unit: all test binaries share one precompiled header.
add_library(gtest_pch OBJECT ${CMAKE_SOURCE_DIR}/cmake/gtest_pch.cpp)
target_link_libraries(gtest_pch PUBLIC project_options GTest::gmock GTest::gtest)
# An upgrade of a system package sets back the dates of headers, which ninja cannot see and clang refuses.
target_compile_options(gtest_pch PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
target_precompile_headers(gtest_pch PUBLIC <gtest/gtest.h> <string> <vector> <map> <memory> <functional>)

function(room folder)
  cmake_parse_arguments(ARG "PURE" "" "DEPENDS;LINKS" ${ARGN})
  set(dir ${CMAKE_SOURCE_DIR}/src/${folder})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${dir}/*.cpp)  # before the return: a room that appears must be noticed
  string(REPLACE "/" "_" name ${folder})
  if(NOT EXISTS ${dir})
    add_library(${name} INTERFACE)  # a room that is planned: others may name it on their line already
    return()
  endif()
  set(libraries ${ARG_DEPENDS})
  list(TRANSFORM libraries REPLACE "/" "_")
  set(tests ${sources})
  set(fuzzers ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz)\\.cpp$|/main\\.cpp$")  # main.cpp belongs to the program, not the room

  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC ${libraries} ${ARG_LINKS} project_options)
    prepare_link_time_optimization(${name})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${libraries} ${ARG_LINKS} project_options)
  endif()

  if(tests)
    add_executable(${name}_test ${tests})
    set_target_properties(${name}_test PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8 UNITY_BUILD_UNIQUE_ID UNITY_ID)
    target_precompile_headers(${name}_test REUSE_FROM gtest_pch)
    target_link_libraries(${name}_test PRIVATE ${name} GTest::gmock_main)
    target_compile_definitions(${name}_test PRIVATE TIDEGATE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    add_test(NAME ${name} COMMAND ${name}_test)
    set_property(GLOBAL APPEND PROPERTY TIDEGATE_TESTS ${name}_test)
  endif()
  foreach(fuzzer ${fuzzers})
    get_filename_component(stem ${fuzzer} NAME_WE)
    string(REGEX REPLACE "_fuzz$" "" stem ${stem})
    if(FUZZ)
      add_executable(${name}_${stem}_fuzz ${fuzzer})
      target_link_libraries(${name}_${stem}_fuzz PRIVATE ${name})
      target_compile_options(${name}_${stem}_fuzz PRIVATE -fsanitize=fuzzer)
      target_link_options(${name}_${stem}_fuzz PRIVATE -fsanitize=fuzzer)
    endif()
    add_executable(${name}_${stem}_replay ${fuzzer} ${CMAKE_SOURCE_DIR}/cmake/replay_corpus.cpp)
    target_link_libraries(${name}_${stem}_replay PRIVATE ${name})
    add_test(NAME ${name}_${stem}_corpus
             COMMAND ${name}_${stem}_replay ${CMAKE_SOURCE_DIR}/tests/fuzz_corpus/${name}_${stem})
  endforeach()
endfunction()
