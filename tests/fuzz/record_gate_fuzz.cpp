// The record gate before libfcgi: what it calls whole, libfcgi reads to the last byte and without ever
// waiting.
#include <fastcgi.h>
#include <fcgiapp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "fcgi/file_descriptor.hpp"
#include "fcgi/record_gate.hpp"
#include "tests/fuzz/property.hpp"

namespace blobvalet::fuzz {
namespace {

using fcgi::GateLimits;
using fcgi::GateVerdict;
using fcgi::inspect_records;
using Bytes = std::span<const unsigned char>;

struct Content {
  std::vector<std::string> params;  ///< `name=value`
  std::string body;
};

/// The bytes of all records of one type, which the gate has called well-formed.
std::string join(Bytes bytes, unsigned type) {
  std::string joined;
  while (!bytes.empty()) {
    const std::size_t length = bytes[4] * 256U + bytes[5];
    if (bytes[1] == type) joined.append(reinterpret_cast<const char*>(bytes.data()) + 8, length);
    bytes = bytes.subspan(8 + length + bytes[6]);
  }
  return joined;
}

std::size_t take_length(std::string_view& stream) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(stream[i]));
  };
  const bool is_long = byte(0) >= 128;
  const std::size_t length =
      is_long ? (byte(0) - 128) * 16777216 + byte(1) * 65536 + byte(2) * 256 + byte(3) : byte(0);
  stream.remove_prefix(is_long ? 4 : 1);
  return length;
}

Content read_plainly(Bytes bytes) {
  Content content;
  content.body = join(bytes, FCGI_STDIN);
  const std::string joined = join(bytes, FCGI_PARAMS);
  std::string_view stream = joined;
  while (!stream.empty()) {
    const std::size_t name = take_length(stream);
    const std::size_t value = take_length(stream);
    content.params.push_back(std::string(stream.substr(0, name)) + "=" +
                             std::string(stream.substr(name, value)));
    stream.remove_prefix(name + value);
  }
  return content;
}

fcgi::FileDescriptor make_file(Bytes bytes) {
  fcgi::FileDescriptor file(::memfd_create("request", MFD_CLOEXEC));
  const bool written = ::write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  require(written && ::lseek(file.get(), 0, SEEK_SET) == 0, "the machine has room for a request");
  return file;
}

// libfcgi puts FCGI_ROLE before what was sent.
constexpr std::ptrdiff_t kOwnParams = 1;

/// As fcgi/connection.cpp reads a request.
Content read_with_libfcgi(int fd) {
  static const int initialised = FCGX_Init();
  require(initialised == 0, "libfcgi initialises");
  FCGX_Request request{};
  require(FCGX_InitRequest(&request, -1, 0) == 0, "libfcgi initialises a request");
  request.ipcFd = fd;
  request.keepConnection = 1;
  FCGX_Detach(&request);
  require(FCGX_Accept_r(&request) == 0, "libfcgi takes the request");
  Content content;
  for (char** entry = request.envp + kOwnParams; *entry != nullptr; ++entry)
    content.params.emplace_back(*entry);
  for (int c = 0; (c = FCGX_GetChar(request.in)) >= 0;)
    content.body += static_cast<char>(c);
  require(FCGX_GetError(request.in) == 0, "libfcgi finds no error");
  FCGX_Free(&request, 0);
  return content;
}

void check_whole(Bytes bytes) {
  const fcgi::FileDescriptor file = make_file(bytes);
  const Content read = read_with_libfcgi(file.get());
  const Content expected = read_plainly(bytes);
  require(read.params == expected.params, "libfcgi sees the parameters that were sent");
  require(read.body == expected.body, "libfcgi sees the body that was sent");
  require(::lseek(file.get(), 0, SEEK_CUR) == static_cast<off_t>(bytes.size()), "libfcgi reads it all");
}

void check_prefixes(Bytes bytes, GateVerdict verdict, const GateLimits& limits) {
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const GateVerdict early = inspect_records(bytes.first(size), limits);
    require(early != GateVerdict::whole, "nothing stands behind a whole request");
    require(early != GateVerdict::malformed, "no judgement before the fault");
    require(early == GateVerdict::incomplete || verdict == GateVerdict::body_too_large,
            "a whole request is waited for");
  }
}

}  // namespace
}  // namespace blobvalet::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blobvalet::fuzz;
  std::string_view input = as_text(data, size);
  // The limits as they are, or such small ones that short inputs get to them.
  const bool small = take_choice(input) % 2 == 1;
  const GateLimits limits = small ? GateLimits{64, 4, 32} : GateLimits{};
  const Bytes bytes(data + (size - input.size()), input.size());
  const GateVerdict verdict = inspect_records(bytes, limits);
  if (verdict == GateVerdict::malformed) return 0;
  check_prefixes(bytes, verdict, limits);
  if (verdict == GateVerdict::whole) check_whole(bytes);
  return 0;
}
