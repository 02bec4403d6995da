#pragma once
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "fcgi/file_descriptor.hpp"

namespace blobvalet::testing {

/// A self-signed certificate for one host name, and its key.
class Certificate {
 public:
  explicit Certificate(const std::string& host) {
    X509* x509 = certificate_.get();
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, key_.get());
    X509_NAME* name = X509_get_subject_name(x509);
    const auto* text = reinterpret_cast<const unsigned char*>(host.c_str());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0);
    X509_set_issuer_name(x509, name);
    const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> names(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("DNS:" + host).c_str()),
        &X509_EXTENSION_free);
    X509_add_ext(x509, names.get(), -1);
    BOOST_REQUIRE(X509_sign(x509, key_.get(), EVP_sha256()) > 0);
  }
  [[nodiscard]] std::string pem() const {
    const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), &BIO_free);
    PEM_write_bio_X509(memory.get(), certificate_.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &data);
    return {data, static_cast<std::size_t>(size)};
  }
  /// A context of a server that shows this certificate.
  [[nodiscard]] SSL_CTX* server() const {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    BOOST_REQUIRE_EQUAL(SSL_CTX_use_certificate(context, certificate_.get()), 1);
    BOOST_REQUIRE_EQUAL(SSL_CTX_use_PrivateKey(context, key_.get()), 1);
    return context;
  }

 private:
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_{EVP_EC_gen("P-256"), &EVP_PKEY_free};
  std::unique_ptr<X509, decltype(&X509_free)> certificate_{X509_new(), &X509_free};
};

/// The server's end of one connection. Every wait ends after 5 s at the latest.
class HttpSession {
 public:
  HttpSession(int fd, SSL_CTX* context) : fd_(fd) {
    const timeval limit{5, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (context == nullptr) return;
    ssl_.reset(SSL_new(context));
    SSL_set_fd(ssl_.get(), fd);
    if (SSL_accept(ssl_.get()) != 1) broken_ = true;
  }
  /// The next request, headers and body; empty once the client has closed.
  std::string read_request() {
    std::string request;
    while (request.find("\r\n\r\n") == std::string::npos) {
      if (!read_some(request)) return {};
    }
    const std::size_t whole = request.find("\r\n\r\n") + 4 + length_of(request);
    while (request.size() < whole) {
      if (!read_some(request)) return {};
    }
    return request;
  }
  /// False if the client has closed.
  bool write(std::string_view text) {
    while (!broken_ && !text.empty()) {
      const auto n = ssl_ ? SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()))
                          : ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return !broken_;
  }
  void wait_until_closed() {
    std::string ignored;
    while (read_some(ignored)) {
    }
  }
  /// True if the client closes within this time.
  bool closed_within(int milliseconds) {
    pollfd ready{fd_.get(), POLLIN, 0};
    return ::poll(&ready, 1, milliseconds) == 1;
  }
  void half_close() { ::shutdown(fd_.get(), SHUT_WR); }

 private:
  static std::size_t length_of(const std::string& request) {
    constexpr std::string_view kName = "Content-Length: ";
    const std::size_t at = request.find(kName);
    return at == std::string::npos ? 0 : std::stoul(request.substr(at + kName.size()));
  }
  bool read_some(std::string& into) {
    if (broken_) return false;
    char buffer[4096];
    const auto n =
        ssl_ ? SSL_read(ssl_.get(), buffer, sizeof buffer) : ::recv(fd_.get(), buffer, sizeof buffer, 0);
    if (n > 0) into.append(buffer, static_cast<std::size_t>(n));
    return n > 0;
  }

  fcgi::FileDescriptor fd_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, &SSL_free};
  bool broken_ = false;
};

/// A server on 127.0.0.1 or a unix socket which gives each connection to `script`, in a thread of its own,
/// with its number (the first is 0).
class HttpPeer {
 public:
  using Script = std::function<void(HttpSession&, int)>;

  explicit HttpPeer(Script script, const Certificate* certificate = nullptr)
      : HttpPeer(std::move(script), {}, certificate) {}
  HttpPeer(Script script, const std::string& unix_socket, const Certificate* certificate = nullptr)
      : script_(std::move(script)) {
    if (certificate != nullptr) context_.reset(certificate->server());
    unix_socket.empty() ? listen_tcp() : listen_unix(unix_socket);
    BOOST_REQUIRE_EQUAL(::listen(listener_.get(), 16), 0);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~HttpPeer() {
    ::shutdown(listener_.get(), SHUT_RDWR);  // ends accept
    acceptor_.join();
    for (std::thread& session : sessions_)
      session.join();
  }
  HttpPeer(const HttpPeer&) = delete;
  HttpPeer& operator=(const HttpPeer&) = delete;

  [[nodiscard]] std::string port() const { return std::to_string(port_); }
  [[nodiscard]] std::string url(std::string_view path = "/") const {
    return "http://127.0.0.1:" + port() + std::string(path);
  }
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void listen_tcp() {
    listener_ = fcgi::FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    BOOST_REQUIRE_EQUAL(::bind(listener_.get(), any, size), 0);
    BOOST_REQUIRE_EQUAL(::getsockname(listener_.get(), any, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  void listen_unix(const std::string& path) {
    listener_ = fcgi::FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    BOOST_REQUIRE(path.size() < sizeof address.sun_path);
    path.copy(address.sun_path, path.size());
    BOOST_REQUIRE_EQUAL(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  void accept_all() {
    int fd = -1;
    while ((fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0) {
      sessions_.emplace_back([this, fd, number = connections_++] {
        HttpSession session(fd, context_.get());
        script_(session, number);
      });
    }
  }

  Script script_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{nullptr, &SSL_CTX_free};
  fcgi::FileDescriptor listener_;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::vector<std::thread> sessions_;
  std::thread acceptor_;
};

}  // namespace blobvalet::testing
