#include "fcgi/adapters/tls_probe.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <memory>

namespace blobvalet::fcgi {
namespace {

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using Connection = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;

/// The date as `Nov 26 12:00:00 2026 GMT`.
std::string text_of(const ASN1_TIME* time) {
  const std::unique_ptr<BIO, Free<BIO_free_all>> memory(BIO_new(BIO_s_mem()));
  ASN1_TIME_print(memory.get(), time);
  std::array<char, 64> buffer{};
  const int n = BIO_read(memory.get(), buffer.data(), static_cast<int>(buffer.size()));
  return {buffer.data(), static_cast<std::size_t>(n > 0 ? n : 0)};
}

/// The names that the certificate is for, separated by commas.
std::string names_in(const X509& certificate) {
  std::string names;
  auto* all =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
    if (name->type != GEN_DNS) continue;
    names.append(names.empty() ? "" : ", ");
    names.append(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                 static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  GENERAL_NAMES_free(all);
  return names.empty() ? "no host" : names;
}

bool is_for(X509& certificate, const std::string& host) {
  return X509_check_host(&certificate, host.data(), host.size(), 0, nullptr) == 1 ||
         X509_check_ip_asc(&certificate, host.c_str(), 0) == 1;
}

Link judge(X509& certificate, long verdict, const std::string& host) {
  const std::string until = text_of(X509_get0_notAfter(&certificate));
  if (X509_cmp_current_time(X509_get0_notAfter(&certificate)) < 0)
    return Link::fails("the certificate expired on " + until, "renew it, and reload nginx");
  if (X509_cmp_current_time(X509_get0_notBefore(&certificate)) > 0) {
    return Link::fails("the certificate is valid only from " + text_of(X509_get0_notBefore(&certificate)),
                       "is this machine's clock right?");
  }
  if (!is_for(certificate, host)) {
    return Link::fails("the certificate is for " + names_in(certificate) + ", not for " + host,
                       "get one for this name; or does another server {} of nginx answer for it?");
  }
  if (verdict != X509_V_OK) {
    return Link::fails(
        std::string("nobody vouches for the certificate: ") + X509_verify_cert_error_string(verdict),
        "let ssl_certificate hold the whole chain; give an authority of your own by --ca-file");
  }
  return Link::ok("the certificate is good for " + host + " until " + until);
}

}  // namespace

Link probe_tls(const std::string& host, const std::string& port, const std::string& ca_file) {
  const Context context(SSL_CTX_new(TLS_client_method()));
  const bool has_authorities =
      ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get()) == 1
                      : SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr) == 1;
  if (!has_authorities)
    return Link::fails("--ca-file: holds no certificate, or cannot be read", "give another");
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);  // the verdict is looked at below
  const Connection connection(BIO_new_ssl_connect(context.get()));
  SSL* ssl = nullptr;
  BIO_get_ssl(connection.get(), &ssl);
  const bool is_address = host.find_first_not_of("0123456789.:") == std::string::npos;
  // What the macro SSL_set_tlsext_host_name() does, without its old-style cast.
  std::string name(host);
  if (!is_address) SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
  BIO_set_conn_hostname(connection.get(), host.c_str());
  BIO_set_conn_port(connection.get(), port.c_str());
  if (BIO_do_connect_retry(connection.get(), 5, 50) <= 0) {
    ERR_clear_error();
    return Link::fails("no TLS connection to " + host + ":" + port + " comes about",
                       "does nginx run and listen there? does the name lead to this site?");
  }
  const Certificate certificate(SSL_get1_peer_certificate(ssl));
  if (certificate == nullptr) return Link::fails("there is no certificate", "set ssl_certificate");
  return judge(*certificate, SSL_get_verify_result(ssl), host);
}

}  // namespace blobvalet::fcgi
