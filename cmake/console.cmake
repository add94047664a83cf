# The web console (console/README.md): npm fetches what the lock file names, esbuild bundles, and the compressed files
# become constants of the program. Two steps, so that a change of the sources does not fetch anything.
find_program(NODE_PROGRAM NAMES node nodejs REQUIRED)
find_program(NPM_PROGRAM npm REQUIRED)
set(console ${CMAKE_SOURCE_DIR}/console)
set(console_modules ${CMAKE_BINARY_DIR}/gen/console.modules)
set(console_out ${CMAKE_BINARY_DIR}/gen/console)
add_custom_command(
  OUTPUT ${console_modules}
  COMMAND ${CMAKE_COMMAND} -DCONSOLE=${console} -DNPM=${NPM_PROGRAM} -DSTAMP=${console_modules}
          -P ${CMAKE_SOURCE_DIR}/cmake/console_modules.cmake
  DEPENDS ${console}/package.json ${console}/package-lock.json ${CMAKE_SOURCE_DIR}/cmake/console_modules.cmake
  COMMENT "Fetching the npm packages of console/")
file(GLOB_RECURSE console_sources CONFIGURE_DEPENDS ${console}/src/*)
add_custom_command(
  OUTPUT ${console_out}/files.cpp
  COMMAND ${NODE_PROGRAM} ${console}/build.mjs ${console_out}
  DEPENDS ${console_modules} ${console}/build.mjs ${console_sources}
  COMMENT "Bundling the web console")
add_library(console_files STATIC ${console_out}/files.cpp)
target_link_libraries(console_files PRIVATE project_options)
# #embed is C's (C23) and clang's in C++.
target_compile_options(console_files PRIVATE -Wno-c23-extensions)
