# One static library per room. LINKS are rooms below it; PRIVATE are third parties, whose headers stay out of reach elsewhere.
#   spc_library(store SOURCES a.cpp b.cpp LINKS spc::base PRIVATE hdf5::hdf5 [TORCH])
# TORCH: the room includes LibTorch.
function(spc_library name)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;LINKS;PRIVATE" ${ARGN})
  add_library(spc_${name} STATIC ${ARG_SOURCES})
  add_library(spc::${name} ALIAS spc_${name})
  target_include_directories(spc_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(spc_${name} PUBLIC ${ARG_LINKS} PRIVATE ${ARG_PRIVATE} spc::warnings)
  if(ARG_TORCH)
    target_link_libraries(spc_${name} PUBLIC spc::torch)
  endif()
endfunction()

# A GoogleTest program; every test in it becomes a ctest test with the label, all programs one target.
#   spc_unit_test(base SOURCES a_test.cpp LINKS spc::base)
add_custom_target(unit_tests)
function(spc_unit_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(test_${name} ${ARG_SOURCES})
  target_link_libraries(test_${name} PRIVATE ${ARG_LINKS} GTest::gtest_main GTest::gmock spc::warnings)
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(test_${name} PRIVATE SPC_REFERENCE_DIR="${PROJECT_SOURCE_DIR}/tests/reference/data")
  add_dependencies(unit_tests test_${name})
  gtest_discover_tests(test_${name} TEST_PREFIX "${name}." PROPERTIES LABELS unit TIMEOUT 120 DISCOVERY_TIMEOUT 60)
endfunction()

# A program whose allocator keeps its pages (src/app/malloc_conf.c). Not under sanitizers, which bring their own.
function(spc_keep_pages target)
  if(NOT SPCNET_SANITIZE)
    # Nothing calls it by name, so the linker must be told to keep it; the options are a symbol of the executable that it looks up.
    target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src/app/malloc_conf.c)
    target_link_libraries(${target} PRIVATE -Wl,--no-as-needed Jemalloc::Jemalloc -Wl,--as-needed)
    set_target_properties(${target} PROPERTIES ENABLE_EXPORTS ON)
  endif()
endfunction()
