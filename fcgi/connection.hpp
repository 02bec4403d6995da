#pragma once
#include <fcgiapp.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "core/http.hpp"
#include "fcgi/file_descriptor.hpp"

namespace blobvalet::fcgi {

/// One connection from the web server, which may carry many requests one after the other. libfcgi only parses
/// and formats here; accepting, waiting and closing are the event loop's.
///
/// This sets two fields that fcgiapp.h marks "Don't use": `ipcFd` and `keepConnection`. A request whose
/// `ipcFd` is set makes FCGX_Accept_r read from it instead of accepting, and with -1 as listening socket it
/// fails instead of ever accepting. tests/unit/connection_tests.cpp holds the installed library to that.
class Connection {
 public:
  /// Takes over an accepted socket. Throws std::runtime_error if libfcgi cannot initialise a request.
  explicit Connection(FileDescriptor socket);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection(Connection&&) = delete;
  Connection& operator=(Connection&&) = delete;

  /// The socket, or -1 once it is closed.
  [[nodiscard]] int fd() const { return fcgx_.ipcFd; }

  /// Reads the parameters of a request that inspect_records() called whole (or body_too_large), from
  /// `collected` if it is there and else from the socket. It is the connection's, and its views live until
  /// write(). Null if libfcgi refuses the request.
  [[nodiscard]] Request* read_params();
  /// The one that was read last.
  [[nodiscard]] Request& request() { return request_; }
  /// Reads the body to its end into that request: libfcgi would take a rest for the next one's beginning.
  void read_body();
  /// Writes the whole answer and ends the request. An answer up to 8 kB, which is any but those for very long
  /// names, is one write. False if the connection is to be closed now: the web server does not keep it, or it
  /// has failed.
  [[nodiscard]] bool write(const Response& response);
  /// False once the connection is closed: by us, by an error, or because the web server wanted it closed.
  [[nodiscard]] bool is_open() const { return fcgx_.ipcFd >= 0; }
  void close();
  /// Tells the web server that the answer is complete although its request was not read to the end.
  void stop_writing() const;

  // The event loop's notes.
  std::vector<unsigned char> collected;                 ///< a request that did not arrive in one piece
  std::chrono::steady_clock::time_point deadline = {};  ///< while it has one
  bool has_served = false;                              ///< has carried a request already
  bool is_with_thread = false;                          ///< a callback thread has it
  bool is_draining = false;                             ///< answered; what still arrives is thrown away
  bool peer_closed = false;                             ///< the web server has closed its side

 private:
  void begin_request();
  [[nodiscard]] bool read_from_collected();
  void return_to_socket();

  FCGX_Request fcgx_{};
  FileDescriptor socket_;  ///< set aside while libfcgi reads from memory
  Request request_;
  std::vector<std::string_view> identity_names_;  ///< `BLOBVALET_*` of this request
  std::vector<std::string> var_names_;
  std::vector<std::string> header_names_;
  std::string body_;
  std::string answer_;
};

}  // namespace blobvalet::fcgi
