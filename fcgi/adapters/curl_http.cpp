#include "fcgi/adapters/curl_http.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "core/ascii.hpp"
#include "core/version.hpp"

namespace blobvalet::fcgi {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxHeaderBytes = 65536;  // all lines of all responses of one call, trailers included
constexpr std::string_view kLineEnders("\r\n\0", 3);

HttpFailure failure_of(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return HttpFailure::timed_out;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR: return HttpFailure::untrusted;
    case CURLE_FILESIZE_EXCEEDED:
    case CURLE_OUT_OF_MEMORY: return HttpFailure::too_large;  // a header line beyond libcurl's own limit
    case CURLE_UNSUPPORTED_PROTOCOL:  // also an answer without a status line, and a URL that is not http
    case CURLE_WEIRD_SERVER_REPLY: return HttpFailure::malformed;
    default: return HttpFailure::unreachable;
  }
}

template <class Value>
void set(CURL* handle, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(handle, option, value);
  if (code != CURLE_OK) throw std::runtime_error(std::string("libcurl: ") + curl_easy_strerror(code));
}

/// The request's headers as libcurl wants them.
class HeaderList {
 public:
  HeaderList() = default;
  /// Some hold credentials, of which these are libcurl's copies.
  ~HeaderList() {
    for (curl_slist* header = first_; header != nullptr; header = header->next)
      OPENSSL_cleanse(header->data, std::strlen(header->data));
    curl_slist_free_all(first_);
  }
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;

  void add(const std::string& header) {
    if (header.find_first_of(kLineEnders) != std::string::npos || header.find(':') == std::string::npos) {
      throw std::logic_error("an HTTP header must be `Name: value` in one line");
    }
    curl_slist* longer = curl_slist_append(first_, header.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    first_ = longer;
  }
  [[nodiscard]] curl_slist* get() const { return first_; }

 private:
  curl_slist* first_ = nullptr;
};

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back()))
    text.remove_suffix(1);
  return text;
}

/// Takes an answer down as libcurl hands it out.
class Receiver {
 public:
  explicit Receiver(std::size_t max_body_bytes) : max_body_bytes_(max_body_bytes) {}

  /// One line with its end: a status line, a header, the empty line behind headers, or a trailer. False:
  /// stop.
  bool take_line(std::string_view line) {
    header_bytes_ += line.size();
    if (header_bytes_ > kMaxHeaderBytes) return stop(HttpFailure::too_large);
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r'))
      line.remove_suffix(1);
    if (complete_) return true;  // a trailer
    if (line.starts_with("HTTP/")) return begin_response(line);
    if (line.empty()) {
      complete_ = !interim_;
      return true;
    }
    return take_header(line);
  }

  bool take_body(std::string_view bytes) {
    if (bytes.size() > max_body_bytes_ - answer.body.size()) return stop(HttpFailure::too_large);
    answer.body.append(bytes);
    return true;
  }

  /// True once the final response's headers have been received to their end.
  [[nodiscard]] bool complete() const { return complete_; }

  HttpAnswer answer;
  std::optional<HttpFailure> failure;  ///< why it stopped

 private:
  bool begin_response(std::string_view status_line) {
    answer.headers.clear();
    const std::size_t space = status_line.find(' ');
    interim_ = space != std::string_view::npos && status_line.substr(space + 1).starts_with('1');
    return true;
  }
  /// A line folded into the one before it has no place in an answer (RFC 9112, section 5.2); servers that
  /// read it differently from us are how headers get smuggled.
  bool take_header(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return stop(HttpFailure::malformed);
    const std::string_view name = line.substr(0, colon);
    if (std::ranges::any_of(name, is_blank)) return stop(HttpFailure::malformed);
    answer.headers.emplace_back(lower_case(name), trimmed(line.substr(colon + 1)));
    return true;
  }
  bool stop(HttpFailure why) {
    failure = why;
    return false;
  }

  std::size_t max_body_bytes_;
  std::size_t header_bytes_ = 0;
  bool interim_ = false;  ///< these are the headers of a 1xx response
  bool complete_ = false;
};

// noexcept: libcurl is C, and nothing may be thrown through it.
std::size_t on_line(char* bytes, std::size_t size, std::size_t count, void* receiver) noexcept {
  return static_cast<Receiver*>(receiver)->take_line({bytes, size * count}) ? size * count : 0;
}
std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* receiver) noexcept {
  const std::size_t total = size * count;
  return static_cast<Receiver*>(receiver)->take_body({bytes, total}) ? total : total + 1;
}

/// libcurl takes 0 for "no limit".
long timeout_of(milliseconds duration) {
  return static_cast<long>(
      std::clamp(duration, milliseconds(1), milliseconds(std::chrono::hours(1))).count());
}

void set_transport(CURL* handle, const HttpCall& call) {
  set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  set(handle, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  set(handle, CURLOPT_FOLLOWLOCATION, 0L);
  set(handle, CURLOPT_PROXY, "");  // not even the environment's
  set(handle, CURLOPT_NOSIGNAL, 1L);
  set(handle, CURLOPT_CONNECTTIMEOUT_MS, timeout_of(call.connect_timeout));
  set(handle, CURLOPT_TIMEOUT_MS, timeout_of(call.timeout));
  // Otherwise a call that has timed out goes on to wait for the resolver's thread.
  set(handle, CURLOPT_QUICK_EXIT, 1L);
  if (!call.unix_socket.empty()) set(handle, CURLOPT_UNIX_SOCKET_PATH, call.unix_socket.c_str());
}

void set_trust(CURL* handle, const HttpCall& call) {
  set(handle, CURLOPT_SSL_VERIFYPEER, 1L);
  set(handle, CURLOPT_SSL_VERIFYHOST, 2L);
  set(handle, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  if (call.ca_file.empty()) return;
  set(handle, CURLOPT_CAINFO, call.ca_file.c_str());
  set(handle, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
}

void set_body(CURL* handle, const HttpCall& call) {
  set(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
  set(handle, CURLOPT_POSTFIELDS, call.body.data());
}

void set_method(CURL* handle, const HttpCall& call) {
  if (call.method == "HEAD") return set(handle, CURLOPT_NOBODY, 1L);
  // Only here: libcurl would hold the limit against the Content-Length of a HEAD as well.
  set(handle, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(call.max_answer_bytes));
  if (call.method == "GET") return set(handle, CURLOPT_HTTPGET, 1L);
  if (call.method == "POST") return set_body(handle, call);
  if (call.method != "PUT" && call.method != "DELETE" && call.method != "OPTIONS")
    throw std::logic_error("unknown HTTP method");
  if (call.method == "PUT") set_body(handle, call);
  set(handle, CURLOPT_CUSTOMREQUEST, call.method.c_str());
}

void set_request(CURL* handle, const HttpCall& call, HeaderList& headers) {
  if (call.url.find('\0') != std::string::npos) throw std::logic_error("a URL must not hold NUL");
  set(handle, CURLOPT_URL, call.url.c_str());
  set(handle, CURLOPT_PATH_AS_IS, 1L);  // a signature holds for the path as it is written
  set(handle, CURLOPT_USERAGENT, (std::string("blobvalet/") + kVersion).c_str());
  for (const std::string& header : call.headers)
    headers.add(header);
  // Without a value: libcurl is not to add its own.
  headers.add("Expect:");
  headers.add("Content-Type:");
  set(handle, CURLOPT_HTTPHEADER, headers.get());
  set_method(handle, call);
}

void set_receiver(CURL* handle, Receiver& receiver) {
  set(handle, CURLOPT_HEADERFUNCTION, &on_line);
  set(handle, CURLOPT_HEADERDATA, &receiver);
  set(handle, CURLOPT_WRITEFUNCTION, &on_body);
  set(handle, CURLOPT_WRITEDATA, &receiver);
}

using IsOver = std::function<bool()>;

int on_progress(void* is_over, curl_off_t /*download*/, curl_off_t /*downloaded*/, curl_off_t /*upload*/,
                curl_off_t /*uploaded*/) noexcept {
  return (*static_cast<const IsOver*>(is_over))() ? 1 : 0;
}

void set_end(CURL* handle, const IsOver& is_over) {
  if (!is_over) return;
  set(handle, CURLOPT_XFERINFOFUNCTION, &on_progress);
  set(handle, CURLOPT_XFERINFODATA, &is_over);
  set(handle, CURLOPT_NOPROGRESS, 0L);
}

int status_of(CURL* handle) {
  long status = 0;
  (void)curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

}  // namespace

CurlLibrary::CurlLibrary() {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::runtime_error("libcurl does not start");
}

CurlLibrary::~CurlLibrary() {
  curl_global_cleanup();
}

CurlHttp::CurlHttp(std::function<bool()> is_over) : is_over_(std::move(is_over)), handle_(curl_easy_init()) {
  if (handle_ == nullptr) throw std::runtime_error("libcurl gives no handle");
}

tl::expected<HttpAnswer, HttpFailure> CurlHttp::send(const HttpCall& call) {
  CURL* handle = handle_.get();
  curl_easy_reset(handle);  // forgets the last call's options, keeps its connections
  Receiver receiver(call.max_answer_bytes);
  HeaderList headers;
  set_transport(handle, call);
  set_trust(handle, call);
  set_request(handle, call, headers);
  set_receiver(handle, receiver);
  set_end(handle, is_over_);
  const CURLcode code = curl_easy_perform(handle);
  if (receiver.failure) return tl::unexpected(*receiver.failure);
  if (code != CURLE_OK) return tl::unexpected(failure_of(code));
  // To libcurl, headers that the server breaks off are an answer all the same.
  if (!receiver.complete()) return tl::unexpected(HttpFailure::unreachable);
  receiver.answer.status = status_of(handle);
  if (receiver.answer.status < 200 || receiver.answer.status > 599) {
    return tl::unexpected(HttpFailure::malformed);
  }
  return std::move(receiver.answer);
}

}  // namespace blobvalet::fcgi
