# Imports libtorch from a directory (a wheel's torch/). find_package(Torch) is not used: its CUDA flavour wants a whole CUDA
# toolkit at configure time and bakes absolute RPATHs.
set(TR0_LIBTORCH "" CACHE PATH "directory holding libtorch's include/ and lib/")
option(TR0_CUDA "compile the CUDA kernels when libtorch is a CUDA build and nvcc is present" ON)
if(NOT EXISTS "${TR0_LIBTORCH}/include/ATen/ATen.h")
  message(FATAL_ERROR "TR0_LIBTORCH='${TR0_LIBTORCH}' has no include/ATen/ATen.h; run `npx tool-r0-native setup`")
endif()

add_library(tr0_libtorch INTERFACE)
target_include_directories(tr0_libtorch SYSTEM INTERFACE "${TR0_LIBTORCH}/include"
                                                         "${TR0_LIBTORCH}/include/torch/csrc/api/include")
target_link_directories(tr0_libtorch INTERFACE "${TR0_LIBTORCH}/lib")
# --no-as-needed: libtorch.so pulls libtorch_cuda.so in when it is the CUDA flavour; nothing refers to it by symbol.
set(_tr0_libs -Wl,--no-as-needed torch torch_cpu c10)

# at::parallel_for is a header that divides the work only in files compiled for OpenMP. Its threads must be those of libtorch's own
# OpenMP library: a second one beside it would double them.
find_package(OpenMP REQUIRED COMPONENTS CXX)
separate_arguments(_tr0_openmp UNIX_COMMAND "${OpenMP_CXX_FLAGS}")
target_compile_options(tr0_libtorch INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:${_tr0_openmp}>")
file(GLOB _tr0_openmp_library "${TR0_LIBTORCH}/lib/libgomp*.so*" "${TR0_LIBTORCH}/lib/libomp.*")
if(_tr0_openmp_library AND NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang") # clang's code calls its own library
  list(GET _tr0_openmp_library 0 _tr0_openmp_library)
  list(APPEND _tr0_libs "${_tr0_openmp_library}")
else()
  list(APPEND _tr0_libs ${OpenMP_CXX_LIBRARIES})
endif()

set(TR0_WITH_CUDA OFF)
if(TR0_CUDA AND EXISTS "${TR0_LIBTORCH}/lib/libtorch_cuda.so")
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(TR0_WITH_CUDA ON)
    if(NOT CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
      set(CMAKE_CUDA_ARCHITECTURES "80-real;90") # must precede enable_language
    endif()
    set(CMAKE_CUDA_STANDARD 17) # CMake 3.25 knows no CUDA20; the .cu files include no torch header
    enable_language(CUDA)
    get_filename_component(_tr0_site "${TR0_LIBTORCH}/.." ABSOLUTE) # pip --target: nvidia/ lies beside torch/
    foreach(_dir cu13 nccl cudnn cusparselt)
      if(EXISTS "${_tr0_site}/nvidia/${_dir}/include")
        target_include_directories(tr0_libtorch SYSTEM INTERFACE "${_tr0_site}/nvidia/${_dir}/include")
      endif()
    endforeach()
    target_include_directories(tr0_libtorch SYSTEM INTERFACE ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES})
    target_compile_definitions(tr0_libtorch INTERFACE TR0_WITH_CUDA=1)
    list(APPEND _tr0_libs torch_cuda c10_cuda)
  endif()
endif()
target_link_libraries(tr0_libtorch INTERFACE ${_tr0_libs} -Wl,--as-needed)
