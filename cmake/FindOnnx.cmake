# Onnx::Proto: the messages of an ONNX file and protobuf, without ONNX's checker. Not for a program that loads LibTorch, which brings
# a protobuf of its own: two versions in one process abort it.
find_path(Onnx_INCLUDE_DIR onnx/onnx_pb.h)
find_library(Onnx_PROTO_LIBRARY onnx_proto)
find_path(Onnx_PROTOBUF_INCLUDE_DIR google/protobuf/message.h)
find_library(Onnx_PROTOBUF_LIBRARY protobuf)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Onnx REQUIRED_VARS Onnx_PROTO_LIBRARY Onnx_INCLUDE_DIR Onnx_PROTOBUF_LIBRARY Onnx_PROTOBUF_INCLUDE_DIR)
if(Onnx_FOUND AND NOT TARGET Onnx::Proto)
  add_library(Onnx::Proto UNKNOWN IMPORTED)
  set_target_properties(Onnx::Proto PROPERTIES
    IMPORTED_LOCATION ${Onnx_PROTO_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES "${Onnx_INCLUDE_DIR};${Onnx_PROTOBUF_INCLUDE_DIR}"
    INTERFACE_COMPILE_DEFINITIONS "ONNX_NAMESPACE=onnx;ONNX_ML=1" INTERFACE_LINK_LIBRARIES ${Onnx_PROTOBUF_LIBRARY})
endif()
