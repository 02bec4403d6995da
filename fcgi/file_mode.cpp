#include "fcgi/file_mode.hpp"

#include <array>
#include <cstdio>

namespace blobvalet::fcgi {

std::string octal(mode_t mode) {
  std::array<char, 8> text{};
  (void)std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode & 07777U));
  return text.data();
}

}  // namespace blobvalet::fcgi
