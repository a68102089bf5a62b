# KissFft::KissFft, the single-precision build. Debian calls it kissfft-float.
find_path(KissFft_INCLUDE_DIR kiss_fftr.h PATH_SUFFIXES kissfft)
find_library(KissFft_LIBRARY NAMES kissfft-float kissfft)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(KissFft REQUIRED_VARS KissFft_LIBRARY KissFft_INCLUDE_DIR)
if(KissFft_FOUND AND NOT TARGET KissFft::KissFft)
  add_library(KissFft::KissFft UNKNOWN IMPORTED)
  set_target_properties(KissFft::KissFft PROPERTIES
    IMPORTED_LOCATION ${KissFft_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${KissFft_INCLUDE_DIR})
endif()
