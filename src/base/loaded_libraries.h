// Which binaries this process is made of, to tell whether two machines run the same ones.
#pragma once

#include <map>
#include <string>

namespace spc {

/// File name -> build id in hexadecimal digits ("none" where the linker left none) of the program,
/// under the name "program", and of every library that is loaded.
std::map<std::string, std::string> loaded_libraries();

}  // namespace spc
