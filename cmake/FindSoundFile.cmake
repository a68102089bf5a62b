# SoundFile::SoundFile (neither Debian nor upstream installs a CMake package that every version has).
find_path(SoundFile_INCLUDE_DIR sndfile.h)
find_library(SoundFile_LIBRARY sndfile)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(SoundFile REQUIRED_VARS SoundFile_LIBRARY SoundFile_INCLUDE_DIR)
if(SoundFile_FOUND AND NOT TARGET SoundFile::SoundFile)
  add_library(SoundFile::SoundFile UNKNOWN IMPORTED)
  set_target_properties(SoundFile::SoundFile PROPERTIES IMPORTED_LOCATION ${SoundFile_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${SoundFile_INCLUDE_DIR})
endif()
