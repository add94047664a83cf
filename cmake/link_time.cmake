# link_time_optimized(<program>...): optimised across all rooms when it is linked, in the release preset.
#
# Small functions of one room are called for each packet by another: a packet costs a sixth less (docs/adr/0016). The
# objects of the rooms hold both forms, so that tests link as fast as ever; what is tested over the network is the
# program. After the first time only modules that changed, and those that took code from them, are made anew.
set(can_link_time_optimize OFF)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT SANITIZE)
  set(can_link_time_optimize ON)
endif()
option(LINK_TIME_OPTIMIZATION "Optimise the programs when they are linked" ${can_link_time_optimize})
set(link_time_flags -flto=thin -ffat-lto-objects)

function(prepare_link_time_optimization library)
  if(LINK_TIME_OPTIMIZATION)
    target_compile_options(${library} PRIVATE ${link_time_flags})
  endif()
endfunction()

function(link_time_optimized)
  if(NOT LINK_TIME_OPTIMIZATION)
    return()
  endif()
  foreach(program ${ARGN})
    target_compile_options(${program} PRIVATE ${link_time_flags})
    target_link_options(${program} PRIVATE ${link_time_flags} -Wl,--fat-lto-objects -Wl,--thinlto-cache-dir=${CMAKE_BINARY_DIR}/link_time)
  endforeach()
endfunction()
