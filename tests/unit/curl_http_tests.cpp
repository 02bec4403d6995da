#include <dlfcn.h>
#include <netdb.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <future>
#include <mutex>

#include "core/version.hpp"
#include "fcgi/adapters/curl_http.hpp"
#include "tests/unit/http_peer.hpp"
#include "tests/unit/support.hpp"
#include "tests/unit/temp_dir.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr milliseconds kShort{200};
constexpr milliseconds kRounding{5};
constexpr milliseconds kSoon{1500};  // well within the servers' own 5 s
constexpr milliseconds kPatient{60'000};

const CurlLibrary library;

std::string_view name_of(HttpFailure failure) {
  switch (failure) {
    case HttpFailure::unreachable: return "unreachable";
    case HttpFailure::timed_out: return "timed_out";
    case HttpFailure::untrusted: return "untrusted";
    case HttpFailure::too_large: return "too_large";
    case HttpFailure::malformed: return "malformed";
  }
  return "";
}

using Outcome = tl::expected<HttpAnswer, HttpFailure>;

/// `200 body`, or the failure's name.
std::string show(const Outcome& outcome) {
  if (!outcome) return std::string(name_of(outcome.error()));
  return std::to_string(outcome->status) + " " + outcome->body;
}

/// As patient as a slow build of these tests needs; a row that is about time takes a shorter one.
HttpCall call_to(std::string url) {
  HttpCall call;
  call.url = std::move(url);
  call.timeout = call.connect_timeout = kPatient;
  return call;
}

/// A script that gives every request this answer, and closes after it if it is told to.
HttpPeer::Script answering(std::string answer, bool close = false) {
  return [answer, close](HttpSession& session, int) {
    while (!session.read_request().empty() && session.write(answer) && !close) {
    }
  };
}

/// What one call to a server gets that answers so.
Outcome outcome_of(const std::string& answer, const std::string& method = "GET",
                   std::size_t max_bytes = 65536) {
  const HttpPeer peer(answering(answer, true));
  CurlHttp http;
  HttpCall call = call_to(peer.url());
  call.method = method;
  call.max_answer_bytes = max_bytes;
  return http.send(call);
}

/// What the server receives of a call.
std::string sent(HttpCall call) {
  std::promise<std::string> request;
  const HttpPeer peer([&](HttpSession& session, int) {
    request.set_value(session.read_request());
    session.write(kOk);
  });
  call.url = peer.url(call.url);
  CurlHttp http;
  BOOST_TEST(http.send(call).has_value());
  return request.get_future().get();
}

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// While this lives, looking `stuck.invalid` up does not end (but after 5 s).
class StuckLookUp {
 public:
  StuckLookUp() { stuck_ = true; }
  ~StuckLookUp() {
    std::unique_lock lock(mutex_);
    stuck_ = false;
    changed_.notify_all();
    changed_.wait_for(lock, kLimit, [] { return waiting_ == 0; });
  }
  StuckLookUp(const StuckLookUp&) = delete;
  StuckLookUp& operator=(const StuckLookUp&) = delete;

  static void wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.wait_for(lock, kLimit, [] { return !stuck_; });
    --waiting_;
    changed_.notify_all();
  }

 private:
  static constexpr std::chrono::seconds kLimit{5};
  static inline std::mutex mutex_;
  static inline std::condition_variable changed_;
  static inline bool stuck_ = false;
  static inline int waiting_ = 0;
};

class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

}  // namespace

// libcurl's look-ups come by here.
extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** result) {
  const std::string_view host = node == nullptr ? "" : node;
  if (host == "absent.invalid") return EAI_NONAME;
  if (host == "stuck.invalid") {
    StuckLookUp::wait();
    return EAI_AGAIN;
  }
  static const auto original = reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return original(node, service, hints, result);
}

BOOST_AUTO_TEST_SUITE(curl_http_tests)

BOOST_AUTO_TEST_CASE(an_answer_has_status_headers_and_body) {
  const Outcome outcome = outcome_of(
      "HTTP/1.1 404 No\r\nX-MS-Error-Code:  BlobNotFound \r\nETag: \"0x8D\"\r\n"
      "x-empty:\r\nContent-Length: 5\r\n\r\nhello");
  BOOST_TEST(show(outcome) == "404 hello");
  BOOST_TEST(outcome->header("x-ms-error-code") == "BlobNotFound");
  BOOST_TEST(outcome->header("etag") == "\"0x8D\"");
  BOOST_TEST(outcome->header("x-empty") == "");
  BOOST_TEST(outcome->headers.size() == 4U);
}

BOOST_AUTO_TEST_CASE(a_request_is_sent_as_it_is_written) {
  HttpCall call = call_to("/c/a%2Fb/../x?sig=%2B&y");
  call.headers = {"x-ms-version: 2023-11-03", "Cookie: a=b"};
  const std::string get = sent(call);
  BOOST_TEST(get.starts_with("GET /c/a%2Fb/../x?sig=%2B&y HTTP/1.1\r\n"));
  BOOST_TEST(holds(get, "\r\nx-ms-version: 2023-11-03\r\n"));
  BOOST_TEST(holds(get, "\r\nCookie: a=b\r\n"));
  BOOST_TEST(holds(get, "\r\nUser-Agent: blobvalet/" + std::string(kVersion) + "\r\n"));
  BOOST_TEST(!holds(get, "Accept-Encoding"));
  BOOST_TEST(!holds(get, "Content-Length"));
}

BOOST_AUTO_TEST_CASE(bodies_are_sent_at_once) {
  HttpCall call = call_to("/hook");
  call.method = "POST";
  call.headers = {"Content-Type: application/json"};
  call.body = repeated("0123456789", 200000) + std::string("\0end", 4);  // libcurl would ask from 1 MiB on
  const std::string post = sent(call);
  BOOST_TEST(post.starts_with("POST /hook HTTP/1.1\r\n"));
  BOOST_TEST(holds(post, "\r\nContent-Type: application/json\r\n"));
  BOOST_TEST(!holds(post, "Expect"));
  BOOST_TEST(!holds(post, "x-www-form-urlencoded"));
  BOOST_TEST((post.substr(post.find("\r\n\r\n") + 4) == call.body));
  call.body.clear();
  call.headers.clear();
  call.method = "PUT";
  const std::string put = sent(call);
  BOOST_TEST(put.starts_with("PUT /hook HTTP/1.1\r\n"));
  BOOST_TEST(holds(put, "\r\nContent-Length: 0\r\n"));
  BOOST_TEST(!holds(put, "Content-Type"));
  call.method = "DELETE";
  BOOST_TEST(sent(call).starts_with("DELETE /hook HTTP/1.1\r\n"));
}

BOOST_AUTO_TEST_CASE(calls_that_cannot_be_sent_are_our_own_fault) {
  const HttpPeer peer(answering(std::string(kOk)));
  CurlHttp http;
  for (const std::string& header :
       {std::string("X: a\r\nEvil: b"), std::string("X: a\nb"), std::string("X: a\rb"),
        std::string("X: a\0b", 6), std::string("no colon"), std::string("X;")}) {
    HttpCall call = call_to(peer.url());
    call.headers = {header};
    BOOST_CHECK_THROW((void)http.send(call), std::logic_error);
  }
  HttpCall call = call_to(peer.url());
  call.method = "GET / HTTP/1.1\r\nX: y\r\n\r\nPOST";
  BOOST_CHECK_THROW((void)http.send(call), std::logic_error);
  BOOST_CHECK_THROW((void)http.send(call_to(peer.url(std::string_view("/a\0b", 4)))), std::logic_error);
  BOOST_TEST(peer.connections() == 0);
  BOOST_TEST(show(http.send(call_to(peer.url()))) == "200 ok");
}

BOOST_AUTO_TEST_CASE(answers_are_taken_or_refused) {
  const std::string body = "\r\n\r\n" + repeated("x", 100);
  const std::string many = repeated("x-h: 0123456789\r\n", 4000);  // 68,000 bytes
  const struct {
    const char* name;
    std::string answer;
    const char* method;
    std::string outcome;
  } rows[] = {
      {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
       "GET", "200 abcde"},
      {"until the end", "HTTP/1.0 200 OK\r\n\r\nabc", "GET", "200 abc"},
      {"nothing", "HTTP/1.1 204 No Content\r\n\r\n", "GET", "204 "},
      {"1xx first", "HTTP/1.1 103 Early\r\nx-early: 1\r\n\r\n" + std::string(kOk), "GET", "200 ok"},
      {"redirect", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "GET",
       "302 "},
      {"HEAD of much", "HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n", "HEAD", "200 "},
      {"compressed bytes stay", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nzz",
       "GET", "200 zz"},
      {"last status", "HTTP/1.1 599 x\r\nContent-Length: 0\r\n\r\n", "GET", "599 "},

      {"status too high", "HTTP/1.1 600 x\r\nContent-Length: 0\r\n\r\n", "GET", "malformed"},
      {"status 0", "HTTP/1.1 000 x\r\nContent-Length: 0\r\n\r\n", "GET", "malformed"},
      {"switched protocols", "HTTP/1.1 101 x\r\nUpgrade: x\r\n\r\n", "GET", "unreachable"},
      {"garbage", "\x16\x03\x01garbage\r\n\r\n", "GET", "malformed"},
      {"HTML only", "<html>hello</html>", "GET", "malformed"},
      {"header without a colon", "HTTP/1.1 200 OK\r\nbroken\r\nContent-Length: 0\r\n\r\n", "GET",
       "malformed"},
      {"folded header", "HTTP/1.1 200 OK\r\nx-a: 1\r\n\tx-b: 2\r\nContent-Length: 0\r\n\r\n", "GET",
       "malformed"},
      {"blank before the colon", "HTTP/1.1 200 OK\r\nx-a : 1\r\nContent-Length: 0\r\n\r\n", "GET",
       "malformed"},
      {"header without a name", "HTTP/1.1 200 OK\r\n: 1\r\nContent-Length: 0\r\n\r\n", "GET", "malformed"},
      {"no answer", "", "GET", "unreachable"},
      {"cut off in the status", "HTTP/1.1 20", "GET", "unreachable"},
      {"cut off in the headers", "HTTP/1.1 200 OK\r\nContent-Le", "GET", "unreachable"},
      {"cut off between headers", "HTTP/1.1 200 OK\r\nETag: x\r\n", "GET", "unreachable"},
      {"cut off behind 1xx", "HTTP/1.1 103 Early\r\n\r\n", "GET", "unreachable"},
      {"cut off in the headers of HEAD", "HTTP/1.1 200 OK\r\nETag: x\r\n", "HEAD", "unreachable"},
      {"cut off in the body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "GET", "unreachable"},
      {"cut off in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "GET",
       "unreachable"},
      {"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab", "GET", "unreachable"},
      {"many headers", "HTTP/1.1 200 OK\r\n" + many + "\r\n", "GET", "too_large"},
      {"many interim headers", "HTTP/1.1 103 Early\r\n" + many + "\r\n" + std::string(kOk), "GET",
       "too_large"},
      {"a long header", "HTTP/1.1 200 OK\r\nx: " + std::string(66000, 'x') + "\r\n\r\n", "GET", "too_large"},
      {"a huge header", "HTTP/1.1 200 OK\r\nx: " + std::string(400000, 'x') + "\r\n\r\n", "GET", "too_large"},
      {"body announced too long", "HTTP/1.1 200 OK\r\nContent-Length: 101" + body, "GET", "too_large"},
      {"body of unknown length", "HTTP/1.0 200 OK" + body + "x", "GET", "too_large"},
      {"chunked body too long",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + body.substr(4) + "x\r\n0\r\n\r\n",
       "GET", "too_large"},
  };
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(show(outcome_of(row.answer, row.method, 100)) == row.outcome);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_body_limit_is_exact) {
  for (const std::string head : {"HTTP/1.0 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n"}) {
    const std::string answer = head + "\r\n" + std::string(100, 'x');
    BOOST_TEST(show(outcome_of(answer, "GET", 100)) == "200 " + std::string(100, 'x'));
    BOOST_TEST(show(outcome_of(answer, "GET", 99)) == "too_large");
    BOOST_TEST(show(outcome_of(answer, "GET", 0)) == "too_large");
  }
}

BOOST_AUTO_TEST_CASE(a_body_announced_too_long_is_not_waited_for) {
  const HttpPeer peer([](HttpSession& session, int) {
    (void)session.read_request();
    session.write("HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n");
    session.wait_until_closed();
  });
  CurlHttp http;
  BOOST_TEST(show(http.send(call_to(peer.url()))) == "too_large");
}

BOOST_AUTO_TEST_CASE(only_the_final_responses_headers_are_kept) {
  const Outcome interim = outcome_of("HTTP/1.1 103 Early\r\nx-early: 1\r\n\r\n" + std::string(kOk));
  BOOST_TEST(interim->header("x-early") == "");
  BOOST_TEST(interim->headers.size() == 1U);
  const Outcome trailer = outcome_of(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nETag: evil\r\nHTTP/1.1 500: "
      "x\r\n\r\n");
  BOOST_TEST(show(trailer) == "200 a");
  BOOST_TEST(trailer->header("etag") == "");
  BOOST_TEST(trailer->headers.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_redirect_is_not_followed) {
  const HttpPeer target(answering(std::string(kOk)));
  const Outcome outcome =
      outcome_of("HTTP/1.1 307 x\r\nLocation: " + target.url() + "\r\nContent-Length: 0\r\n\r\n");
  BOOST_TEST(outcome->header("location") == target.url());
  BOOST_TEST(target.connections() == 0);
}

BOOST_AUTO_TEST_CASE(connections_are_kept) {
  const HttpPeer peer([](HttpSession& session, int) {
    std::string request;
    while (!(request = session.read_request()).empty())
      session.write(request.starts_with("HEAD") ? "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" : kOk);
  });
  CurlHttp http;
  for (int round = 0; round < 3; ++round) {
    for (const char* method : {"GET", "HEAD", "POST", "PUT", "DELETE"}) {
      HttpCall call = call_to(peer.url());
      call.method = method;
      call.body = "body";
      BOOST_TEST(show(http.send(call)) == (call.method == "HEAD" ? "200 " : "200 ok"));
    }
  }
  BOOST_TEST(peer.connections() == 1);
}

BOOST_AUTO_TEST_CASE(a_connection_closed_while_idle_is_no_failure) {
  for (const char* method : {"GET", "HEAD", "POST"}) {
    std::promise<void> closed;
    const HttpPeer peer([&](HttpSession& session, int number) {
      (void)session.read_request();
      session.write(kOk);
      if (number > 0) return;
      session.half_close();
      closed.set_value();
      session.wait_until_closed();
    });
    CurlHttp http;
    BOOST_TEST(show(http.send(call_to(peer.url()))) == "200 ok");
    BOOST_REQUIRE(closed.get_future().wait_for(kSoon) == std::future_status::ready);
    HttpCall call = call_to(peer.url());
    call.method = method;
    BOOST_TEST(http.send(call).has_value());
    BOOST_TEST(peer.connections() == 2);
  }
}

// The close and the request cross each other on the wire.
BOOST_AUTO_TEST_CASE(a_kept_connection_closed_instead_of_an_answer_is_no_failure) {
  for (const char* method : {"GET", "POST"}) {
    const HttpPeer peer([](HttpSession& session, int number) {
      (void)session.read_request();
      session.write(kOk);
      (void)session.read_request();
      if (number > 0) session.write(kOk);
    });
    CurlHttp http;
    BOOST_TEST(show(http.send(call_to(peer.url()))) == "200 ok");
    HttpCall call = call_to(peer.url());
    call.method = method;
    call.body = "body";
    BOOST_TEST(show(http.send(call)) == "200 ok");
    BOOST_TEST(peer.connections() == 2);
  }
}

BOOST_AUTO_TEST_CASE(a_server_that_stalls_is_given_up) {
  const struct {
    const char* name;
    HttpPeer::Script script;
  } rows[] = {
      {"before the answer", [](HttpSession& session, int) { session.wait_until_closed(); }},
      {"after the headers",
       [](HttpSession& session, int) {
         session.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
         session.wait_until_closed();
       }},
      {"in the middle of the headers",
       [](HttpSession& session, int) {
         session.write("HTTP/1.1 200 OK\r\nContent");
         session.wait_until_closed();
       }},
      {"a byte at a time",
       [](HttpSession& session, int) {
         (void)session.read_request();
         session.write("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
         for (int i = 0; i < 500 && !session.closed_within(10); ++i)
           session.write("x");
       }},
      {"1xx without end",
       [](HttpSession& session, int) {
         (void)session.read_request();
         for (int i = 0; i < 500 && !session.closed_within(10); ++i)
           session.write("HTTP/1.1 102 Processing\r\n\r\n");
       }},
  };
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const HttpPeer peer(row.script);
      CurlHttp http;
      HttpCall call = call_to(peer.url());
      call.timeout = kShort;
      const auto start = steady_clock::now();
      BOOST_TEST(show(http.send(call)) == "timed_out");
      const auto passed = steady_clock::now() - start;
      BOOST_TEST((passed >= kShort - kRounding && passed < kSoon));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_look_up_that_hangs_is_given_up) {
  const StuckLookUp stuck;
  CurlHttp http;
  HttpCall call = call_to("http://stuck.invalid/");
  call.timeout = kShort;
  const auto start = steady_clock::now();
  BOOST_TEST(show(http.send(call)) == "timed_out");
  BOOST_TEST((steady_clock::now() - start < kSoon));
}

BOOST_AUTO_TEST_CASE(the_connection_has_a_timeout_of_its_own) {
  const StuckLookUp stuck;
  CurlHttp http;
  HttpCall call = call_to("http://stuck.invalid/");
  call.connect_timeout = kShort;
  const auto start = steady_clock::now();
  BOOST_TEST(show(http.send(call)) == "timed_out");
  BOOST_TEST((steady_clock::now() - start < kSoon));
}

BOOST_AUTO_TEST_CASE(a_host_that_does_not_exist_is_unreachable) {
  CurlHttp http;
  BOOST_TEST(show(http.send(call_to("http://absent.invalid/"))) == "unreachable");
}

BOOST_AUTO_TEST_CASE(no_timeout_at_all_is_the_shortest) {
  const HttpPeer peer([](HttpSession& session, int) { session.wait_until_closed(); });
  CurlHttp http;
  for (const milliseconds timeout : {milliseconds(0), milliseconds(-5)}) {
    HttpCall call = call_to(peer.url());
    call.timeout = call.connect_timeout = timeout;
    BOOST_TEST(show(http.send(call)) == "timed_out");
  }
}

BOOST_AUTO_TEST_CASE(a_failure_does_not_spoil_the_next_call) {
  const HttpPeer peer([](HttpSession& session, int number) {
    (void)session.read_request();
    number == 0 ? session.wait_until_closed() : void(session.write(kOk));
  });
  CurlHttp http;
  HttpCall call = call_to(peer.url());
  call.timeout = kShort;
  call.method = "POST";
  call.headers = {"X-Left-Over: 1"};
  BOOST_TEST(show(http.send(call)) == "timed_out");
  BOOST_TEST(show(http.send(call_to(peer.url()))) == "200 ok");
}

BOOST_AUTO_TEST_CASE(a_server_that_half_closes_is_unreachable) {
  const HttpPeer peer([](HttpSession& session, int) {
    (void)session.read_request();
    session.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    session.half_close();
    session.wait_until_closed();
  });
  CurlHttp http;
  BOOST_TEST(show(http.send(call_to(peer.url()))) == "unreachable");
}

BOOST_AUTO_TEST_CASE(where_nobody_listens_is_unreachable) {
  std::string url;
  {
    const HttpPeer peer(answering(std::string(kOk)));
    url = peer.url();
  }
  CurlHttp http;
  BOOST_TEST(show(http.send(call_to(url))) == "unreachable");
  HttpCall call = call_to("http://localhost/");
  call.unix_socket = "/nonexistent/app.sock";
  BOOST_TEST(show(http.send(call)) == "unreachable");
  call.unix_socket = "/" + std::string(200, 'x');  // longer than an address can be
  BOOST_TEST(show(http.send(call)) == "unreachable");
}

BOOST_AUTO_TEST_CASE(only_http_is_spoken) {
  const TempDir dir;
  const std::string file = dir.write("secret", "secret").string();
  const HttpPeer peer(answering(std::string(kOk)));
  const std::string place = "://127.0.0.1:" + peer.port() + "/";
  CurlHttp http;
  for (const std::string& url :
       {"file://" + file, "ftp" + place, "gopher" + place, "dict" + place, "smtp" + place, "telnet" + place,
        "ws" + place, std::string("://"), std::string(), std::string("http://127.0.0.1:99999/"),
        std::string("http://a b/"), std::string("http://a\r\nb/")}) {
    HttpCall call = call_to(url);
    call.timeout = kShort;
    BOOST_TEST_CONTEXT(url) {
      BOOST_TEST(!http.send(call).has_value());
    }
  }
  BOOST_TEST(peer.connections() == 0);
}

BOOST_AUTO_TEST_CASE(proxies_of_the_environment_are_not_used) {
  const HttpPeer proxy(answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy"));
  const HttpPeer peer(answering(std::string(kOk)));
  const Variable http_proxy("http_proxy", proxy.url());
  const Variable https_proxy("HTTPS_PROXY", proxy.url());
  const Variable all_proxy("ALL_PROXY", proxy.url());
  CurlHttp http;
  BOOST_TEST(show(http.send(call_to(peer.url()))) == "200 ok");
  HttpCall call = call_to("https://127.0.0.1:" + peer.port());
  call.timeout = kShort;
  BOOST_TEST(!http.send(call).has_value());
  BOOST_TEST(proxy.connections() == 0);
}

BOOST_AUTO_TEST_CASE(a_unix_socket_takes_the_place_of_the_host) {
  const TempDir dir;
  const std::string path = dir.path() / "app.sock";
  const HttpPeer peer(answering(std::string(kOk)), path);
  CurlHttp http;
  HttpCall call = call_to("http://absent.invalid/hook");
  call.unix_socket = path;
  BOOST_TEST(show(http.send(call)) == "200 ok");
  BOOST_TEST(show(http.send(call)) == "200 ok");
  BOOST_TEST(peer.connections() == 1);
  call.unix_socket.clear();  // the kept connection is not one to the host
  BOOST_TEST(!http.send(call).has_value());
}

BOOST_AUTO_TEST_CASE(a_certificate_must_be_trusted_and_the_hosts) {
  const TempDir dir;
  const Certificate localhost("localhost");
  const Certificate other("other.example");
  const std::string trusts_localhost = dir.write("localhost.pem", localhost.pem());
  const std::string trusts_other = dir.write("other.pem", other.pem());
  const HttpPeer peer(answering(std::string(kOk)), &localhost);
  const HttpPeer impostor(answering(std::string(kOk)), &other);
  const struct {
    const char* name;
    const HttpPeer& peer;
    std::string ca_file;
    const char* outcome;
  } rows[] = {
      {"trusted", peer, trusts_localhost, "200 ok"},
      {"the same connection without that trust", peer, "", "untrusted"},
      {"another authority", peer, trusts_other, "untrusted"},
      {"no such file", peer, dir.path() / "missing.pem", "untrusted"},
      {"no certificates in the file", peer, dir.write("empty.pem", ""), "untrusted"},
      {"another host's certificate", impostor, trusts_other, "untrusted"},
      {"another host's, nobody vouches", impostor, "", "untrusted"},
  };
  CurlHttp http;
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      HttpCall call = call_to("https://localhost:" + row.peer.port());
      call.ca_file = row.ca_file;
      BOOST_TEST(show(http.send(call)) == row.outcome);
    }
  }
  HttpCall call = call_to("https://localhost:" + peer.port());
  call.ca_file = trusts_localhost;
  BOOST_TEST(show(http.send(call)) == "200 ok");
}

BOOST_AUTO_TEST_CASE(a_server_without_tls_is_unreachable_over_it) {
  const HttpPeer peer(answering(std::string(kOk), true));
  CurlHttp http;
  HttpCall call = call_to("https://127.0.0.1:" + peer.port());
  call.timeout = kShort;
  BOOST_TEST(!http.send(call).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
