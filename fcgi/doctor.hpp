#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/app.hpp"
#include "core/diagnosis.hpp"
#include "core/nginx_config.hpp"
#include "core/preflight.hpp"
#include "core/site.hpp"
#include "fcgi/adapters/curl_http.hpp"
#include "fcgi/config_file.hpp"
#include "fcgi/system_clock.hpp"

namespace blobvalet::fcgi {

struct DoctorOptions {
  std::string config_file;
  std::string nginx;                 ///< as for read_nginx()
  std::string nginx_user;            ///< who connects to the sockets; empty: as nginx's configuration says
  std::vector<std::string> sockets;  ///< empty: those of nginx's upstreams, or the usual ones
  std::string url;                   ///< the site's; empty: what needs nginx is not tested
  std::string ca_file;               ///< authorities for the site's certificate; empty: the system's
  std::vector<std::string> origins;  ///< of pages, beside cors.origins
  std::string user;                  ///< whom nginx will vouch for; empty: nobody
  std::vector<std::pair<std::string, std::string>> vars;  ///< further values for patterns
  std::vector<std::string> headers;                       ///< of the login, each `Name: value`
  std::string rule;                                       ///< the rule to test; empty: the first that fits
  std::string file;                                       ///< what to upload; empty: a picture of one point
  std::string content_type = "image/png";
  bool callback = true;  ///< also report the upload, which the application hears of
};

/// Walks the chain from the configuration to a stored file, and back. It uploads one small blob, and deletes
/// it.
class Doctor {
 public:
  explicit Doctor(DoctorOptions options);

  [[nodiscard]] Diagnosis examine();

 private:
  /// The blob to test with, and what allows it.
  struct Test {
    const Rule* rule;
    std::string container_url;  ///< the page's request.endpoint
    std::string name;
    std::string sent_name;  ///< as the page writes it behind that: encoded, or as it is
    std::string blob_url;   ///< that of the blob itself
  };

  struct AccountPreflight {
    const Account* account;
    Preflight preflight;
  };

  void look_at_configuration();
  void look_at_keys();
  void look_at_clock(std::optional<std::chrono::seconds> skew);
  void look_at_sockets();
  void look_at_workers();
  void look_at_nginx();
  void look_at_tls();
  void look_at_site_cors();
  void look_at_account_cors();
  void test_upload();
  void test_stored();
  void test_callback();
  void test_session();
  void test_delete();

  /// Adds `test()`'s link, unless one of `needs` is broken.
  template <class Examine>
  void add(std::string_view name, std::initializer_list<std::string_view> needs, Examine examine) {
    const auto broken = diagnosis_.broken(needs);
    diagnosis_.add(name, broken ? Link::not_tested("see " + *broken) : examine());
  }
  template <class Use>
  [[nodiscard]] auto with_grant(BlobVerb verb, Use use);
  [[nodiscard]] std::vector<AccountPreflight> account_preflights(
      const std::vector<std::string>& origins) const;
  [[nodiscard]] Link look_at_socket(const std::string& path) const;
  [[nodiscard]] Link find_test();
  [[nodiscard]] Link is_nginx_in_use() const;
  [[nodiscard]] std::string url_of(std::string_view endpoint) const;
  [[nodiscard]] std::string signature_query(const char* verb) const;
  [[nodiscard]] std::vector<std::string> other_origins() const;
  [[nodiscard]] tl::expected<HttpAnswer, HttpFailure> ask_site(HttpCall call);
  [[nodiscard]] tl::expected<HttpAnswer, HttpFailure> ask_account(ServiceOperation operation,
                                                                  const char* method);
  [[nodiscard]] const Account& account() const;

  const DoctorOptions options_;
  const SystemClock clock_;
  const CurlLibrary library_;
  CurlHttp http_;
  Diagnosis diagnosis_;
  std::optional<ConfigFile> config_;
  std::shared_ptr<const Site> site_;  ///< null: keys are not there for this command
  std::optional<NginxConfig> nginx_;
  std::string why_no_nginx_;
  std::vector<NginxLocation> locations_;
  std::vector<std::string> sockets_;
  std::optional<Policy> policy_;
  EndpointTable endpoints_;
  std::optional<Test> test_;
  std::string uuid_;
  std::string body_;
  bool is_stored_ = false;
};

}  // namespace blobvalet::fcgi
