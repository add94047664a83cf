# The C++ of the operations is generated from models/ at build time, into the build folder, never edited.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(generated_aws ${CMAKE_BINARY_DIR}/gen/aws)
set(aws_services kinesisvideo signaling webrtc_storage media archived_media)
set(generated_aws_files ${generated_aws}/operations.cpp ${generated_aws}/patterns.cpp ${generated_aws}/constraint_cases.hpp)
set(aws_models ${CMAKE_SOURCE_DIR}/models/deviations.json ${CMAKE_SOURCE_DIR}/models/unicode.json)
foreach(service ${aws_services})
  list(APPEND generated_aws_files ${generated_aws}/${service}.hpp)
  list(APPEND aws_models ${CMAKE_SOURCE_DIR}/models/${service}.json)
endforeach()
add_custom_command(
  OUTPUT ${generated_aws_files}
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/generate_api.py --models ${CMAKE_SOURCE_DIR}/models
          --out ${generated_aws}
  DEPENDS ${CMAKE_SOURCE_DIR}/tools/generate_api.py ${CMAKE_SOURCE_DIR}/tools/api_patterns.py
          ${CMAKE_SOURCE_DIR}/tools/api_cases.py ${aws_models}
  COMMENT "Generating the AWS operations from models/")
target_sources(aws PRIVATE ${generated_aws_files})
target_include_directories(aws PUBLIC ${CMAKE_BINARY_DIR}/gen)
