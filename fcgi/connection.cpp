#include "fcgi/connection.hpp"

#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <stdexcept>
#include <utility>

#include "core/ascii.hpp"

namespace blobvalet::fcgi {
namespace {

constexpr std::string_view kIdentityPrefix = "BLOBVALET_";
constexpr std::string_view kVarPrefix = "BLOBVALET_VAR_";
constexpr std::string_view kHeaderPrefix = "HTTP_";

std::string_view reason_phrase(Status status) {
  switch (status) {
    case Status::ok: return "OK";
    case Status::bad_request: return "Bad Request";
    case Status::forbidden: return "Forbidden";
    case Status::method_not_allowed: return "Method Not Allowed";
    case Status::content_too_large: return "Content Too Large";
    case Status::unsupported_media_type: return "Unsupported Media Type";
    case Status::unprocessable_content: return "Unprocessable Content";
    case Status::too_many_requests: return "Too Many Requests";
    case Status::internal_server_error: return "Internal Server Error";
    case Status::service_unavailable: return "Service Unavailable";
  }
  return "";
}

std::string_view media_type(ContentType type) {
  switch (type) {
    case ContentType::text: return "text/plain; charset=utf-8";
    case ContentType::json: return "application/json";
    case ContentType::metrics: return "text/plain; version=0.0.4; charset=utf-8";
  }
  return "";
}

void append_number(std::string& out, std::size_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), number).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

/// CGI response (RFC 3875 section 6), as nginx reads it.
void format(const Response& response, std::string& out) {
  using std::string_view_literals::operator""sv;
  out.assign("Status: "sv);
  append_number(out, static_cast<std::size_t>(response.status));
  out.append(" "sv).append(reason_phrase(response.status));
  out.append("\r\nContent-Type: "sv).append(media_type(response.content_type));
  out.append("\r\nContent-Length: "sv);
  append_number(out, response.body.size());
  if (!response.allow.empty()) out.append("\r\nAllow: "sv).append(response.allow);
  if (response.retry_after) {
    out.append("\r\nRetry-After: "sv);
    append_number(out, static_cast<std::size_t>(response.retry_after->count()));
  }
  out.append("\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n"sv)
      .append(response.body);
}

/// The member that a parameter fills; null for one we do not read.
std::string_view* member_of(Request& request, std::string_view name) {
  if (equals(name, "QUERY_STRING")) return &request.query;
  if (equals(name, "REQUEST_METHOD")) return &request.method;
  if (equals(name, "CONTENT_TYPE")) return &request.content_type;
  if (equals(name, "REMOTE_ADDR")) return &request.remote_addr;
  if (equals(name, "REQUEST_ID")) return &request.request_id;
  if (equals(name, "BLOBVALET_ENDPOINT")) return &request.endpoint;
  if (equals(name, "BLOBVALET_USER")) return &request.user;
  if (equals(name, "BLOBVALET_ORIGIN")) return &request.origin;
  return nullptr;
}

/// `USER_AGENT` is the header user-agent (RFC 3875 section 4.1.18).
std::string header_name(std::string_view text) {
  std::string name = lower_case(text);
  std::ranges::replace(name, '_', '-');
  return name;
}

}  // namespace

Connection::Connection(FileDescriptor socket) {
  if (FCGX_InitRequest(&fcgx_, -1, 0) != 0) throw std::runtime_error("FCGX_InitRequest failed");
  fcgx_.ipcFd = socket.release();
  fcgx_.keepConnection = 1;
}

Connection::~Connection() {
  FCGX_Free(&fcgx_, 0);
  close();
}

void Connection::close() {
  if (fcgx_.ipcFd >= 0) ::close(fcgx_.ipcFd);
  fcgx_.ipcFd = -1;
}

void Connection::stop_writing() const {
  if (is_open()) ::shutdown(fcgx_.ipcFd, SHUT_WR);
}

/// Lets libfcgi read what we collected: it reads from `ipcFd` whatever stands there, so for that long a
/// memory file does.
bool Connection::read_from_collected() {
  FileDescriptor memory(::memfd_create("request", MFD_CLOEXEC));
  const auto size = static_cast<ssize_t>(collected.size());
  if (!memory.valid() || ::write(memory.get(), collected.data(), collected.size()) != size) return false;
  if (::lseek(memory.get(), 0, SEEK_SET) != 0) return false;
  collected = {};  // gives its memory back, too
  socket_ = FileDescriptor(std::exchange(fcgx_.ipcFd, memory.release()));
  return true;
}

void Connection::return_to_socket() {
  if (!socket_.valid()) return;
  close();
  fcgx_.ipcFd = socket_.release();
}

Request* Connection::read_params() {
  // Should libfcgi close the socket itself after an error, it must not wait for the peer to do so too.
  FCGX_Detach(&fcgx_);
  if (!collected.empty() && !read_from_collected()) return nullptr;
  if (FCGX_Accept_r(&fcgx_) != 0) return nullptr;
  begin_request();
  for (char** entry = fcgx_.envp; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = std::min(text.find('='), text.size());
    const std::string_view name = text.substr(0, equals);
    const std::string_view value = text.substr(std::min(equals + 1, text.size()));
    if (begins_with(name, kIdentityPrefix)) {
      request_.repeated_identity |= std::ranges::find(identity_names_, name) != identity_names_.end();
      identity_names_.push_back(name);
    }
    if (begins_with(name, kVarPrefix)) {
      request_.vars.push_back({{}, value});
      var_names_.push_back(lower_case(name.substr(kVarPrefix.size())));
    } else if (begins_with(name, kHeaderPrefix)) {
      if (value.empty()) continue;
      request_.headers.push_back({{}, value});
      header_names_.push_back(header_name(name.substr(kHeaderPrefix.size())));
    } else if (std::string_view* member = member_of(request_, name); member != nullptr && member->empty()) {
      *member = value;
    }
  }
  // Only now, since the names moved while their list grew.
  for (std::size_t i = 0; i < var_names_.size(); ++i)
    request_.vars[i].name = var_names_[i];
  for (std::size_t i = 0; i < header_names_.size(); ++i)
    request_.headers[i].name = header_names_[i];
  return &request_;
}

/// Empties everything that is of the last request, and keeps its lists' memory.
void Connection::begin_request() {
  Request last = std::exchange(request_, {});
  last.vars.clear();
  last.headers.clear();
  request_.vars = std::move(last.vars);
  request_.headers = std::move(last.headers);
  identity_names_.clear();
  var_names_.clear();
  header_names_.clear();
}

void Connection::read_body() {
  body_.clear();
  std::array<char, 4096> chunk;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  int n = 0;
  while ((n = FCGX_GetStr(chunk.data(), static_cast<int>(chunk.size()), fcgx_.in)) > 0) {
    body_.append(chunk.data(), static_cast<std::size_t>(n));
  }
  request_.body = body_;
  const char* declared = FCGX_GetParam("CONTENT_LENGTH", fcgx_.envp);
  const std::string_view length = declared == nullptr ? std::string_view{} : declared;
  std::size_t bytes = 0;
  if (!length.empty()) {
    const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bytes);
    if (error != std::errc{} || end != length.data() + length.size())
      bytes = std::numeric_limits<std::size_t>::max();
  }
  request_.body_cut_short = body_.size() < bytes;
}

bool Connection::write(const Response& response) {
  return_to_socket();
  format(response, answer_);
  FCGX_PutStr(answer_.data(), static_cast<int>(answer_.size()), fcgx_.out);
  const bool keep = fcgx_.keepConnection != 0;
  fcgx_.keepConnection = 1;  // so that it is we who close, without libfcgi's wait for the peer
  FCGX_Finish_r(&fcgx_);
  return keep && is_open();
}

}  // namespace blobvalet::fcgi
