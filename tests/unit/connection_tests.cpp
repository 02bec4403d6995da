#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <chrono>

#include "fcgi/connection.hpp"
#include "tests/unit/fcgi_peer.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace {

const Parameters kParameters = {{"BLOBVALET_ENDPOINT", "signature"}, {"QUERY_STRING", "a=b=c"}};

Response text_response(std::string body) {
  Response response;
  response.content_type = ContentType::text;
  response.body = std::move(body);
  return response;
}

/// A connection with a peer, one request on its way.
struct Wire {
  explicit Wire(std::string_view request, int type = SOCK_STREAM)
      : peer(type), connection(peer.take_other_end()) {
    peer.send(request);
  }
  explicit Wire(const Parameters& params, std::string_view body = {}) : Wire(whole_request(params, body)) {}
  Peer peer;
  Connection connection;
};

/// The request as the connection hands it on, its parameters and body read.
Request read(Connection& connection) {
  const Request* request = connection.read_params();
  BOOST_REQUIRE(request != nullptr);
  connection.read_body();
  return *request;
}

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) != -1;
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for (int fd = 0; fd < 256; ++fd)
    count += is_open(fd) ? 1U : 0U;
  return count;
}

struct Library {
  Library() { BOOST_REQUIRE_EQUAL(FCGX_Init(), 0); }
};

/// The two fields as Connection sets them.
struct RawRequest {
  explicit RawRequest(int fd) {
    BOOST_REQUIRE_EQUAL(FCGX_InitRequest(&request, -1, 0), 0);
    request.ipcFd = fd;
    request.keepConnection = 1;
    FCGX_Detach(&request);
  }
  ~RawRequest() { FCGX_Free(&request, 0); }
  RawRequest(const RawRequest&) = delete;
  RawRequest& operator=(const RawRequest&) = delete;
  RawRequest(RawRequest&&) = delete;
  RawRequest& operator=(RawRequest&&) = delete;
  FCGX_Request request{};
};

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Library);

BOOST_AUTO_TEST_SUITE(connection_tests)

// What follows up to the next rule holds the installed library to what Connection relies on.

BOOST_AUTO_TEST_CASE(libfcgi_reads_from_ipc_fd_instead_of_accepting) {
  Peer peer;
  const FileDescriptor end = peer.take_other_end();
  peer.send(whole_request(kParameters, "body"));
  RawRequest raw(end.get());
  BOOST_REQUIRE_EQUAL(FCGX_Accept_r(&raw.request), 0);
  BOOST_TEST(raw.request.ipcFd == end.get());
  BOOST_TEST(FCGX_GetParam("QUERY_STRING", raw.request.envp) == std::string("a=b=c"));
  char body[16] = {};
  BOOST_TEST(FCGX_GetStr(body, sizeof body, raw.request.in) == 4);
  BOOST_TEST(body == std::string("body"));
}

BOOST_AUTO_TEST_CASE(libfcgi_fails_instead_of_accepting_from_no_socket) {
  RawRequest raw(-1);
  BOOST_TEST(FCGX_Accept_r(&raw.request) < 0);
  BOOST_TEST(raw.request.ipcFd == -1);
}

// With the listening socket -1, a connection that fails cannot be replaced by another one.
BOOST_AUTO_TEST_CASE(libfcgi_fails_when_the_peer_has_closed) {
  Peer peer;
  FileDescriptor end = peer.take_other_end();
  peer.close();
  RawRequest raw(end.release());
  BOOST_TEST(FCGX_Accept_r(&raw.request) < 0);
  BOOST_TEST(raw.request.ipcFd == -1, "it closes the descriptor itself");
}

BOOST_AUTO_TEST_CASE(libfcgi_says_in_keep_connection_what_the_web_server_wants) {
  for (const bool keep : {true, false}) {
    Peer peer;
    const FileDescriptor end = peer.take_other_end();
    peer.send(whole_request(kParameters, "", keep));
    RawRequest raw(end.get());
    BOOST_REQUIRE_EQUAL(FCGX_Accept_r(&raw.request), 0);
    BOOST_TEST((raw.request.keepConnection != 0) == keep);
  }
}

BOOST_AUTO_TEST_CASE(libfcgi_leaves_a_kept_connection_open_when_it_finishes) {
  Peer peer;
  const FileDescriptor end = peer.take_other_end();
  RawRequest raw(end.get());
  for (int round = 0; round < 3; ++round) {
    peer.send(whole_request(kParameters, "", false));
    BOOST_REQUIRE_EQUAL(FCGX_Accept_r(&raw.request), 0);
    raw.request.keepConnection = 1;
    FCGX_Finish_r(&raw.request);
    BOOST_TEST(raw.request.ipcFd == end.get());
    BOOST_TEST(is_open(end.get()));
    BOOST_TEST(peer.receive_answer().complete);
  }
}

// From here on it is Connection that is tested.

BOOST_AUTO_TEST_CASE(parameters_fill_the_request) {
  Wire wire({{"BLOBVALET_ENDPOINT", "success"},
             {"REQUEST_METHOD", "POST"},
             {"QUERY_STRING", "a=b=c"},
             {"CONTENT_TYPE", "text/x"},
             {"CONTENT_LENGTH", "4"},
             {"REMOTE_ADDR", "192.0.2.7"},
             {"REQUEST_ID", "id-1"},
             {"BLOBVALET_USER", "alice"},
             {"BLOBVALET_ORIGIN", "-"},
             {"BLOBVALET_VAR_TENANT", "Acme"},
             {"BLOBVALET_VAR_Team_2", "a=b"},
             {"HTTP_BLOBVALET_USER", "root"},
             {"REMOTE_USER", "root"},
             {"blobvalet_user", "root"}},
            "body");
  const Request request = read(wire.connection);
  BOOST_TEST(request.endpoint == "success");
  BOOST_TEST(request.method == "POST");
  BOOST_TEST(request.query == "a=b=c");
  BOOST_TEST(request.content_type == "text/x");
  BOOST_TEST(request.remote_addr == "192.0.2.7");
  BOOST_TEST(request.request_id == "id-1");
  BOOST_TEST(request.user == "alice");
  BOOST_TEST(request.origin == "-");
  BOOST_TEST(request.body == "body");
  BOOST_TEST(!request.body_cut_short);
  BOOST_TEST(!request.repeated_identity);
  BOOST_REQUIRE_EQUAL(request.vars.size(), 2U);
  BOOST_TEST(request.vars[0].name == "tenant");
  BOOST_TEST(request.vars[0].value == "Acme");
  BOOST_TEST(request.vars[1].name == "team_2");
  BOOST_TEST(request.vars[1].value == "a=b");
}

BOOST_AUTO_TEST_CASE(many_values_for_patterns_keep_their_names) {
  Parameters params;
  for (int i = 0; i < 200; ++i)
    params.emplace_back("BLOBVALET_VAR_N" + std::to_string(i), "v" + std::to_string(i));
  Wire wire(params);
  const Request request = read(wire.connection);
  BOOST_REQUIRE_EQUAL(request.vars.size(), 200U);
  for (std::size_t i = 0; i < 200; ++i) {
    BOOST_TEST(request.vars[i].name == "n" + std::to_string(i));
    BOOST_TEST(request.vars[i].value == "v" + std::to_string(i));
  }
}

BOOST_AUTO_TEST_CASE(an_identity_that_comes_twice_is_noticed) {
  struct Row {
    const char* name;
    Parameters params;
    bool repeated;
  };
  const Row rows[] = {
      {"user", {{"BLOBVALET_USER", "a"}, {"BLOBVALET_USER", "b"}}, true},
      {"the same user", {{"BLOBVALET_USER", "a"}, {"BLOBVALET_USER", "a"}}, true},
      {"an empty one first", {{"BLOBVALET_USER", ""}, {"BLOBVALET_USER", "b"}}, true},
      {"endpoint", {{"BLOBVALET_ENDPOINT", "a"}, {"X", "y"}, {"BLOBVALET_ENDPOINT", "b"}}, true},
      {"origin", {{"BLOBVALET_ORIGIN", "-"}, {"BLOBVALET_ORIGIN", ""}}, true},
      {"a value for patterns", {{"BLOBVALET_VAR_A", "1"}, {"BLOBVALET_VAR_A", "2"}}, true},
      {"an unknown one", {{"BLOBVALET_X", "1"}, {"BLOBVALET_X", "2"}}, true},
      {"two different ones", {{"BLOBVALET_VAR_A", "1"}, {"BLOBVALET_VAR_AB", "1"}}, false},
      {"no identity", {{"QUERY_STRING", "a"}, {"QUERY_STRING", "b"}}, false},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Wire wire(row.params);
      BOOST_TEST(read(wire.connection).repeated_identity == row.repeated);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_body_is_compared_with_its_length) {
  struct Row {
    const char* length;
    bool cut_short;
  };
  const Row rows[] = {
      {"4", false}, {"", false},  {"0", false}, {"3", false}, {"5", true},
      {"x", true},  {"4x", true}, {"-1", true}, {" 4", true}, {"99999999999999999999999", true}};
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT("CONTENT_LENGTH " << row.length) {
      Wire wire({{"CONTENT_LENGTH", row.length}}, "body");
      BOOST_TEST(read(wire.connection).body_cut_short == row.cut_short);
    }
  }
  Wire wire(Parameters{}, "body");
  BOOST_TEST(!read(wire.connection).body_cut_short);
}

BOOST_AUTO_TEST_CASE(an_answer_is_cgi) {
  struct Row {
    const char* name;
    Response response;
    const char* text;
  };
  Response refusal{Status::method_not_allowed, ContentType::json, "GET", {}, "{}"};
  Response busy{Status::service_unavailable, ContentType::json, {}, std::chrono::seconds(1), "{}"};
  const Row rows[] = {
      {"a signature", text_response("https://x"),
       "Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 9\r\n"
       "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\nhttps://x"},
      {"a refusal", refusal,
       "Status: 405 Method Not Allowed\r\nContent-Type: application/json\r\nContent-Length: 2\r\nAllow: "
       "GET\r\n"
       "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n{}"},
      {"busy", busy,
       "Status: 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: "
       "2\r\nRetry-After: 1\r\n"
       "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n{}"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Wire wire(kParameters);
      (void)read(wire.connection);
      BOOST_TEST(wire.connection.write(row.response));
      const Answer answer = wire.peer.receive_answer();
      BOOST_TEST(answer.text == row.text);
      BOOST_TEST(answer.complete);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_kept_connection_carries_request_after_request) {
  Wire wire(kParameters);
  const int fd = wire.connection.fd();
  for (int round = 0; round < 5; ++round) {
    const std::string body(static_cast<std::size_t>(round) * 3000, 'x');
    if (round > 0) wire.peer.send(whole_request({{"QUERY_STRING", std::to_string(round)}}, body));
    BOOST_TEST(read(wire.connection).body == body);
    BOOST_TEST(wire.connection.write(text_response("ok")));
    BOOST_TEST(wire.connection.is_open());
    BOOST_TEST(wire.connection.fd() == fd);
    BOOST_TEST(wire.peer.receive_answer().text.ends_with("ok"));
  }
}

// libfcgi would wait for the peer to close, up to two seconds.
BOOST_AUTO_TEST_CASE(a_connection_not_to_be_kept_is_closed_by_the_caller_at_once) {
  Wire wire(whole_request(kParameters, "", false));
  (void)read(wire.connection);
  const auto start = std::chrono::steady_clock::now();
  BOOST_TEST(!wire.connection.write(text_response("ok")));
  BOOST_TEST(wire.connection.is_open());
  BOOST_TEST(wire.peer.receive_answer().text.ends_with("ok"));
  wire.connection.close();
  BOOST_TEST(!wire.connection.is_open());
  BOOST_TEST(wire.peer.receive_end());
  BOOST_TEST((std::chrono::steady_clock::now() - start < std::chrono::seconds(1)));
}

// A sequenced-packet socket keeps writes apart, so that they can be counted.
BOOST_AUTO_TEST_CASE(a_short_answer_is_one_write) {
  for (const std::size_t size : {0U, 100U, 3000U, 7700U}) {
    Wire wire(whole_request(kParameters), SOCK_SEQPACKET);
    (void)read(wire.connection);
    BOOST_TEST(wire.connection.write(text_response(std::string(size, 'x'))));
    const Answer answer = parse_answer(wire.peer.receive_packet());
    BOOST_TEST(answer.complete, "an answer of " << size << " bytes took more than one write");
    BOOST_TEST(answer.text.ends_with("\r\n\r\n" + std::string(size, 'x')));
  }
}

BOOST_AUTO_TEST_CASE(a_long_answer_arrives_whole) {
  for (const std::size_t size : {8192U, 20000U, 65536U, 150000U}) {
    Wire wire(kParameters);
    (void)read(wire.connection);
    BOOST_TEST(wire.connection.write(text_response(std::string(size, 'x'))));
    const Answer answer = wire.peer.receive_answer();
    BOOST_TEST(answer.complete);
    BOOST_TEST(answer.text.ends_with("\r\n\r\n" + std::string(size, 'x')));
  }
}

BOOST_AUTO_TEST_CASE(an_answer_that_nobody_reads_is_given_up) {
  Peer peer;
  FileDescriptor end = peer.take_other_end();
  BOOST_REQUIRE_EQUAL(::fcntl(end.get(), F_SETFL, O_NONBLOCK), 0);
  Connection connection(std::move(end));
  peer.send(whole_request(kParameters));
  (void)read(connection);
  BOOST_TEST(!connection.write(text_response(std::string(8U << 20U, 'x'))),
             "far more than a socket buffer takes");
}

BOOST_AUTO_TEST_CASE(a_peer_that_has_gone_is_noticed) {
  Wire wire(kParameters);
  (void)read(wire.connection);
  wire.peer.close();
  BOOST_TEST(!wire.connection.write(text_response("ok")));
}

BOOST_AUTO_TEST_CASE(a_collected_request_is_read_from_memory_and_answered_on_the_socket) {
  const std::size_t before = open_descriptors();
  {
    Wire wire("");
    const int fd = wire.connection.fd();
    const std::string body(100000, 'b');
    const std::string text = whole_request(kParameters, body);
    for (int round = 0; round < 3; ++round) {
      wire.connection.collected.assign(text.begin(), text.end());
      const Request request = read(wire.connection);
      BOOST_TEST(request.query == "a=b=c");
      BOOST_TEST(request.body == body);
      BOOST_TEST(wire.connection.collected.empty());
      BOOST_TEST(wire.connection.write(text_response("ok")));
      BOOST_TEST(wire.connection.fd() == fd);
      BOOST_TEST(wire.peer.receive_answer().text.ends_with("ok"));
    }
    // The next one is read from the socket again.
    wire.peer.send(whole_request({{"QUERY_STRING", "next"}}));
    BOOST_TEST(read(wire.connection).query == "next");
    BOOST_TEST(wire.connection.write(text_response("ok")));
  }
  BOOST_TEST(open_descriptors() == before, "a memory file was left open");
}

BOOST_AUTO_TEST_CASE(a_collected_request_not_to_be_kept_ends_the_connection) {
  Wire wire("");
  const std::string text = whole_request(kParameters, "body", false);
  wire.connection.collected.assign(text.begin(), text.end());
  (void)read(wire.connection);
  BOOST_TEST(!wire.connection.write(text_response("ok")));
  BOOST_TEST(wire.peer.receive_answer().complete);
}

BOOST_AUTO_TEST_CASE(a_collected_request_that_is_never_answered_leaves_nothing_open) {
  const std::size_t before = open_descriptors();
  {
    Wire wire("");
    const std::string text = whole_request(kParameters);
    wire.connection.collected.assign(text.begin(), text.end());
    BOOST_TEST(wire.connection.read_params() != nullptr);
  }
  BOOST_TEST(open_descriptors() == before);
}

// The event loop answers a body over the limit from its beginning, without the rest.
BOOST_AUTO_TEST_CASE(parameters_are_read_without_a_body) {
  Wire wire(begin() + stream(kParams, pairs(kParameters)) + record(kStdin, "beginning"));
  const Request* request = wire.connection.read_params();
  BOOST_REQUIRE(request != nullptr);
  BOOST_TEST(request->query == "a=b=c");
  BOOST_TEST(wire.connection.write(text_response("too large")));
  BOOST_TEST(wire.peer.receive_answer().text.ends_with("too large"));
  wire.connection.stop_writing();
  BOOST_TEST(wire.peer.receive_end());
  BOOST_TEST(wire.connection.is_open());
}

BOOST_AUTO_TEST_CASE(what_libfcgi_refuses_is_no_request) {
  for (const std::string& text : {begin(9), record(kStdin, "x"), std::string("GET / HTTP/1.1\r\n\r\n")}) {
    Wire wire(text);
    wire.peer.stop_writing();
    BOOST_TEST(wire.connection.read_params() == nullptr);
  }
}

BOOST_AUTO_TEST_CASE(a_connection_closes_its_socket_when_it_ends) {
  Peer peer;
  { const Connection connection(peer.take_other_end()); }
  BOOST_TEST(peer.receive_end());
}

BOOST_AUTO_TEST_SUITE_END()
