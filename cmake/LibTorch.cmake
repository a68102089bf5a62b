# spc::torch from a LibTorch folder: SPCNET_TORCH (a variable or the environment), else the one that `./dev deps` puts into .deps.
# Any LibTorch >= 2.4 with the C++11 ABI will do: pip's site-packages/torch, conda's, or the unpacked zip. find_package(Torch) is of
# no use here: for a wheel built with CUDA it insists on a CUDA toolkit even when only the CPU libraries are wanted.
set(SPCNET_TORCH "$ENV{SPCNET_TORCH}" CACHE PATH "LibTorch: the folder with include/ and lib/")
if(NOT SPCNET_TORCH)
  set(SPCNET_TORCH ${PROJECT_SOURCE_DIR}/.deps/torch-2.11.0/torch)
endif()
set(torch_version_header ${SPCNET_TORCH}/include/torch/headeronly/version.h)
if(NOT EXISTS ${torch_version_header})
  set(torch_version_header ${SPCNET_TORCH}/include/torch/csrc/api/include/torch/version.h)
endif()
if(NOT EXISTS ${SPCNET_TORCH}/lib/libtorch_cpu.so OR NOT EXISTS ${torch_version_header})
  message(FATAL_ERROR "No LibTorch in ${SPCNET_TORCH}. Run ./dev deps, or set SPCNET_TORCH to a folder with include/ and lib/.")
endif()
file(READ ${torch_version_header} torch_version_text)
string(REGEX MATCH "TORCH_VERSION_MAJOR ([0-9]+)" _ "${torch_version_text}")
set(torch_version ${CMAKE_MATCH_1})
string(REGEX MATCH "TORCH_VERSION_MINOR ([0-9]+)" _ "${torch_version_text}")
string(APPEND torch_version .${CMAKE_MATCH_1})
if(torch_version VERSION_LESS 2.4)
  message(FATAL_ERROR "LibTorch ${torch_version} in ${SPCNET_TORCH} is too old: 2.4 or newer is needed.")
endif()
if(EXISTS ${SPCNET_TORCH}/share/cmake/Torch/TorchConfig.cmake)
  file(STRINGS ${SPCNET_TORCH}/share/cmake/Torch/TorchConfig.cmake old_abi REGEX "_GLIBCXX_USE_CXX11_ABI=0")
  if(old_abi)
    message(FATAL_ERROR "LibTorch in ${SPCNET_TORCH} was built with the pre-C++11 ABI and cannot be linked with this system's "
                        "libraries. Take the cxx11-abi zip, a conda build, or a pip wheel of 2.7 or newer.")
  endif()
endif()
message(STATUS "LibTorch ${torch_version}: ${SPCNET_TORCH}")

add_library(spc_torch INTERFACE)
add_library(spc::torch ALIAS spc_torch)
target_include_directories(spc_torch SYSTEM INTERFACE
  ${SPCNET_TORCH}/include ${SPCNET_TORCH}/include/torch/csrc/api/include)
if(SPCNET_CUDA)
  if(NOT EXISTS ${SPCNET_TORCH}/lib/libtorch_cuda.so)
    message(FATAL_ERROR "The LibTorch in ${SPCNET_TORCH} has no CUDA. `./dev cuda` fetches one that has, or set SPCNET_TORCH.")
  endif()
  find_package(CUDAToolkit REQUIRED)
  find_package(NCCL REQUIRED)
  # The toolkit's own compiler; code for every generation of GPUs that it knows.
  set(CMAKE_CUDA_COMPILER ${CUDAToolkit_NVCC_EXECUTABLE})
  set(CMAKE_CUDA_ARCHITECTURES all-major CACHE STRING "GPUs that kernels are compiled for")
  set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)  # the one that LibTorch loads
  enable_language(CUDA)
  if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # nvcc 12 knows C++20, CMake 3.25 does not know that
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  endif()
  set(CMAKE_CUDA_STANDARD 20)
  set(CMAKE_CUDA_EXTENSIONS OFF)
  # libtorch_cuda.so registers the CUDA kernels when it is loaded; no symbol of ours needs it, so the linker must be told to keep it.
  # In one word: CMake sorts single flags apart from what they are for.
  target_link_libraries(spc_torch INTERFACE CUDA::cudart
    -Wl,--push-state,--no-as-needed,${SPCNET_TORCH}/lib/libtorch_cuda.so,--pop-state
    ${SPCNET_TORCH}/lib/libtorch_cpu.so ${SPCNET_TORCH}/lib/libc10_cuda.so ${SPCNET_TORCH}/lib/libc10.so)
else()
  target_link_libraries(spc_torch INTERFACE ${SPCNET_TORCH}/lib/libtorch_cpu.so ${SPCNET_TORCH}/lib/libc10.so)
endif()

# Without OpenMP at::parallel_for is a plain loop in our own files. The runtime must be the one that LibTorch itself loads: another one
# would have threads of its own.
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  execute_process(COMMAND ${CMAKE_READELF} -d ${SPCNET_TORCH}/lib/libtorch_cpu.so OUTPUT_VARIABLE torch_dynamic COMMAND_ERROR_IS_FATAL ANY)
  if(torch_dynamic MATCHES "NEEDED[^\n]*\\[(lib(gomp|iomp5|omp)[^]]*)\\]")
    # Beside LibTorch, or where conda has what its packages share; else the compiler's own of that name.
    find_file(torch_openmp ${CMAKE_MATCH_1} PATHS ${SPCNET_TORCH}/lib ${SPCNET_TORCH}/../../.. NO_DEFAULT_PATH NO_CACHE)
    if(NOT torch_openmp)
      find_package(OpenMP REQUIRED COMPONENTS CXX)
      set(torch_openmp ${OpenMP_gomp_LIBRARY})
    endif()
    target_compile_options(spc_torch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
    target_link_libraries(spc_torch INTERFACE ${torch_openmp})
  endif()
else()
  message(WARNING "Loops of our own run on one thread of a rank: with OpenMP they are only built by g++, not by ${CMAKE_CXX_COMPILER_ID}.")
endif()
