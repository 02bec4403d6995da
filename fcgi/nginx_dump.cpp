#include "fcgi/nginx_dump.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "fcgi/text_file.hpp"

namespace blobvalet::fcgi {
namespace {

using Text = tl::expected<std::string, std::string>;

std::string read_all(FILE* stream) {
  std::string text;
  std::array<char, 16384> buffer{};
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), stream))
    text.append(buffer.data(), n);
  return text;
}

/// What `nginx -T` prints, which takes root's rights on most machines.
Text ask_nginx() {
  constexpr const char* kCommand = "PATH=\"$PATH:/usr/sbin:/usr/local/sbin\" exec nginx -T 2>/dev/null";
  FILE* pipe = ::popen(kCommand, "re");  // NOLINT(cert-env33-c): a constant, for the shell to look up
  if (pipe == nullptr) return tl::unexpected(std::string("nginx -T cannot be run"));
  std::string text = read_all(pipe);
  if (::pclose(pipe) == 0) return text;
  return tl::unexpected(std::string("nginx -T does not work here; give what it prints by --nginx"));
}

Text read_source(const std::string& source) {
  if (source == "-") return read_all(stdin);
  if (auto text = read_text_file(source)) return std::move(*text);
  return tl::unexpected(source + ": cannot be read: " + std::strerror(errno));
}

}  // namespace

tl::expected<NginxConfig, std::string> read_nginx(const std::string& source) {
  if (source == "none") return tl::unexpected(std::string("not wanted"));
  const Text text = source.empty() ? ask_nginx() : read_source(source);
  if (!text) return tl::unexpected(text.error());
  auto nginx = NginxConfig::parse(*text);
  if (nginx && source.empty() && blobvalet_locations(*nginx).empty())
    return tl::unexpected(std::string("the nginx of this machine does not use blobvalet"));
  return nginx;
}

}  // namespace blobvalet::fcgi
