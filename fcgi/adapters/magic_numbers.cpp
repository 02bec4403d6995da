#include "fcgi/adapters/magic_numbers.hpp"

#include <algorithm>
#include <stdexcept>

#include "core/ascii.hpp"

namespace blobvalet::fcgi {
namespace {

[[noreturn]] void fail(magic_t cookie) {
  const char* reason = cookie == nullptr ? nullptr : magic_error(cookie);
  throw std::runtime_error(std::string("libmagic: ") + (reason == nullptr ? "cannot be used" : reason));
}

}  // namespace

LibMagic::Cookie LibMagic::open() {
  Cookie cookie(magic_open(MAGIC_MIME_TYPE));
  if (cookie == nullptr || magic_load(cookie.get(), nullptr) != 0) fail(cookie.get());
  return cookie;
}

std::string LibMagic::media_type(std::string_view bytes) {
  if (cookie_ == nullptr) cookie_ = open();
  const char* found = magic_buffer(cookie_.get(), bytes.data(), bytes.size());
  if (found == nullptr) fail(cookie_.get());
  std::string type(found);
  std::ranges::transform(type, type.begin(), to_lower);  // it says video/MP2T
  return type;
}

}  // namespace blobvalet::fcgi
