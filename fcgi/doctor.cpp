#include "fcgi/doctor.hpp"

#include <grp.h>
#include <openssl/rand.h>
#include <pwd.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "core/clock_skew.hpp"
#include "core/cors_rules.hpp"
#include "core/hexadecimal.hpp"
#include "core/key_probe.hpp"
#include "core/preflight.hpp"
#include "core/wipe.hpp"
#include "fcgi/adapters/tls_probe.hpp"
#include "fcgi/fcgi_client.hpp"
#include "fcgi/file_mode.hpp"
#include "fcgi/key_survey.hpp"
#include "fcgi/nginx_dump.hpp"
#include "fcgi/site_loader.hpp"
#include "fcgi/text_file.hpp"

namespace blobvalet::fcgi {
namespace {

using std::chrono::seconds;

constexpr std::chrono::milliseconds kWorkerTimeout{3000};
constexpr const char* kStranger = "https://not-listed.invalid";
constexpr std::array<const char*, 2> kUsualSockets{"/run/blobvalet/signature.sock",
                                                   "/run/blobvalet/success.sock"};

/// A PNG of one transparent point.
constexpr std::array<unsigned char, 67> kPicture{
    0x89, 'P',  'N',  'G',  '\r', '\n', 0x1a, '\n', 0,    0,    0,   13,  'I',  'H',  'D',  'R',  0,
    0,    0,    1,    0,    0,    0,    1,    8,    6,    0,    0,   0,   0x1f, 0x15, 0xc4, 0x89, 0,
    0,    0,    10,   'I',  'D',  'A',  'T',  0x78, 0x9c, 0x63, 0,   1,   0,    0,    5,    0,    1,
    0x0d, 0x0a, 0x2d, 0xb4, 0,    0,    0,    0,    'I',  'E',  'N', 'D', 0xae, 0x42, 0x60, 0x82};

/// A random UUID, as pages give to uploads.
std::string new_uuid() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::runtime_error("the kernel gives no random numbers");
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0fU) | 0x40U);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3fU) | 0x80U);
  std::string text = hexadecimal(bytes);
  for (const std::size_t at : {8U, 13U, 18U, 23U})
    text.insert(at, "-");
  return text;
}

/// The first of `a` or `b` that is not empty.
std::string either(const std::string& a, const std::string& b) {
  return a.empty() ? b : a;
}

struct Address {
  std::string host;
  std::string port;
};

Address address_of(const EndpointUrl& url) {
  const bool is_tls = url.origin.starts_with("https://");
  std::string host = url.origin.substr(url.origin.find("://") + 3);
  const std::size_t colon = host.rfind(':');
  if (colon == std::string::npos || host.ends_with(']')) return {host, is_tls ? "443" : "80"};
  return {host.substr(0, colon), host.substr(colon + 1)};
}

/// A user's id and all groups; nothing if there is no such user.
struct UserIds {
  uid_t user;
  std::vector<gid_t> groups;
};
std::optional<UserIds> ids_of(const std::string& name) {
  const passwd* entry = ::getpwnam(name.c_str());
  if (entry == nullptr) return std::nullopt;
  UserIds ids{entry->pw_uid, std::vector<gid_t>(64)};
  int count = static_cast<int>(ids.groups.size());
  if (::getgrouplist(name.c_str(), entry->pw_gid, ids.groups.data(), &count) < 0) return std::nullopt;
  ids.groups.resize(static_cast<std::size_t>(count));
  return ids;
}

/// True if the user has the right `bit` (4 read, 2 write, 1 enter), as the mode says it.
bool may(const struct stat& status, const UserIds& ids, unsigned bit) {
  if (ids.user == 0) return true;
  if (status.st_uid == ids.user) return (status.st_mode & (bit << 6U)) != 0;
  const bool in_group = std::ranges::find(ids.groups, status.st_gid) != ids.groups.end();
  return (status.st_mode & (in_group ? bit << 3U : bit)) != 0;
}

std::string owner_of(const struct stat& status) {
  const passwd* user = ::getpwuid(status.st_uid);
  const std::string name = user == nullptr ? std::to_string(status.st_uid) : user->pw_name;
  const group* its_group = ::getgrgid(status.st_gid);
  return name + ":" + (its_group == nullptr ? std::to_string(status.st_gid) : its_group->gr_name);
}

/// What is known of the keys that sign, as lists of accounts.
class KeyFindings {
 public:
  void take(const KeyReport::Key& key) {
    const bool is_readable = key.fault.empty();
    if (is_readable && key.verdict->kind == KeyVerdict::Kind::works) return add(good_, key.account);
    const bool may_be_elsewhere = key.source && key.source->kind != KeySource::Kind::file;
    if (is_readable && key.verdict->kind == KeyVerdict::Kind::unknown)
      return add(unasked_, key.account + ": " + key.verdict->reason);
    const std::string& why = is_readable ? key.verdict->reason : key.fault;
    add(!is_readable && may_be_elsewhere ? elsewhere_ : bad_, key.account + ": " + why);
  }
  [[nodiscard]] Link link() const {
    if (!bad_.empty())
      return Link::fails(bad_, "compare with the portal's Access keys, and see blobvalet keys status");
    if (!unasked_.empty())
      return Link::fails(unasked_, "is the endpoint right, or does a firewall stand between?");
    if (!elsewhere_.empty()) return Link::not_tested("only the workers have it: " + elsewhere_);
    return Link::ok("Azure takes the key of " + good_);
  }

 private:
  static void add(std::string& list, const std::string& text) {
    list.append(list.empty() ? "" : "; ").append(text);
  }
  std::string good_;
  std::string bad_;
  std::string unasked_;  ///< Azure did not say
  std::string elsewhere_;
};

}  // namespace

Doctor::Doctor(DoctorOptions options) : options_(std::move(options)), uuid_(new_uuid()) {
  body_.assign(reinterpret_cast<const char*>(kPicture.data()), kPicture.size());
  if (options_.file.empty()) return;
  auto text = read_text_file(options_.file);
  if (!text) throw std::runtime_error(options_.file + ": cannot be read: " + std::strerror(errno));
  body_ = std::move(*text);
}

Diagnosis Doctor::examine() {
  look_at_configuration();
  look_at_keys();  // from here on no key is in the environment, which nginx is given
  auto nginx = read_nginx(options_.nginx);
  if (nginx) {
    nginx_ = std::move(*nginx);
    locations_ = blobvalet_locations(*nginx_);
  } else {
    why_no_nginx_ = nginx.error();
  }
  look_at_sockets();
  look_at_workers();
  look_at_nginx();
  look_at_tls();
  look_at_site_cors();
  look_at_account_cors();
  test_upload();
  test_stored();
  test_callback();
  test_session();
  test_delete();
  return std::move(diagnosis_);
}

// --- this machine
// ---------------------------------------------------------------------------------------------

void Doctor::look_at_configuration() {
  auto file = read_config_file(options_.config_file);
  if (!file) {
    std::string all;
    for (const ConfigFault& fault : file.error())
      all.append(all.empty() ? "" : "; ").append(fault.text());
    return diagnosis_.add("configuration", Link::fails(all, "correct " + options_.config_file));
  }
  config_ = std::move(*file);
  if (auto site = SiteLoader(options_.config_file).load()) site_ = *site;
  policy_.emplace(config_->config.rules);
  const auto& accounts = config_->config.accounts;
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    for (const EndpointUrl& endpoint : accounts[i].endpoints)
      (void)endpoints_.add(endpoint, i, accounts[i].name);
  }
  diagnosis_.add("configuration", Link::ok(options_.config_file + " is sound"));
}

void Doctor::look_at_keys() {
  if (!config_) {
    diagnosis_.add("key", Link::not_tested("see configuration"));
    return diagnosis_.add("clock", Link::not_tested("see configuration"));
  }
  const KeySurvey survey(*config_, options_.config_file);
  KeyReport report = survey.report(clock_.now());
  KeyProbe probe(http_, clock_);
  survey.ask(report, probe, [](const KeyReport::Key& key) { return key.in_use; });
  survey.conclude(report);
  KeyFindings findings;
  for (const KeyReport::Key& key : report.keys) {
    if (key.in_use) findings.take(key);
  }
  diagnosis_.add("key", findings.link());
  look_at_clock(report.clock_skew);
}

/// Whoever answered about a key has said what time it is; else anybody can ask an account.
void Doctor::look_at_clock(std::optional<seconds> skew) {
  const Account& first = config_->config.accounts.front();
  if (!skew) {
    skew = blobvalet::ask_account(http_, clock_, first.endpoints.front().url(), first.requests.ca_file)
               .clock_skew;
  }
  if (!skew) return diagnosis_.add("clock", Link::not_tested("nobody says what time it is"));
  const std::string off = "this machine is " + std::to_string(std::chrono::abs(*skew).count()) + " s " +
                          (*skew < seconds(0) ? "behind" : "ahead of") + " Azure";
  const bool is_wrong = std::chrono::abs(*skew) > config_->config.keys.max_clock_skew;
  diagnosis_.add("clock",
                 is_wrong ? Link::fails(off, "let chrony or timesyncd set the clock") : Link::ok(off));
}

Link Doctor::look_at_socket(const std::string& path) const {
  const std::string own = nginx_ && nginx_->main().find("user") != nullptr
                              ? nginx_->main().find("user")->args.front()
                              : std::string("www-data");
  const std::string user = either(options_.nginx_user, own);
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == EACCES) return Link::not_tested(path + ": only root and nginx get there; run this as root");
    return Link::fails(
        path + ": " + std::strerror(errno),
        "start the workers: systemctl start blobvalet-signature.target blobvalet-success.target");
  }
  if (!S_ISSOCK(status.st_mode))
    return Link::fails(path + " is no socket", "remove it and start the workers");
  const auto ids = ids_of(user);
  if (!ids) return Link::fails("there is no user " + user, "name nginx's user by --nginx-user");
  constexpr unsigned kWrite = 2;
  constexpr unsigned kEnter = 1;
  if (!may(status, *ids, kWrite)) {
    return Link::fails(path + " has mode " + octal(status.st_mode) + " and belongs to " + owner_of(status) +
                           ", so " + user + " cannot connect",
                       "let it have mode 0660 and nginx's group, as blobvalet-signature.socket does");
  }
  for (std::filesystem::path directory = std::filesystem::path(path).parent_path();;
       directory = directory.parent_path()) {
    if (::stat(directory.c_str(), &status) == 0 && !may(status, *ids, kEnter)) {
      return Link::fails(directory.string() + " has mode " + octal(status.st_mode) + " and belongs to " +
                             owner_of(status) + ", so " + user + " cannot enter",
                         "systemd-tmpfiles --create blobvalet.conf");
    }
    if (directory == directory.parent_path()) break;
  }
  return Link::ok(path + " lets " + user + " in");
}

void Doctor::look_at_sockets() {
  sockets_ = options_.sockets;
  if (sockets_.empty() && nginx_) {
    for (const char* upstream : {"blobvalet_signature", "blobvalet_success"}) {
      for (std::string& socket : upstream_sockets(*nginx_, upstream)) {
        if (std::ranges::find(sockets_, socket) == sockets_.end()) sockets_.push_back(std::move(socket));
      }
    }
  }
  if (sockets_.empty()) sockets_.assign(kUsualSockets.begin(), kUsualSockets.end());
  std::string all;
  for (const std::string& socket : sockets_) {
    Link link = look_at_socket(socket);
    if (link.state != Link::State::ok) return diagnosis_.add("socket", std::move(link));
    all.append(all.empty() ? "" : "; ").append(link.detail);
  }
  diagnosis_.add("socket", Link::ok(all));
}

void Doctor::look_at_workers() {
  add("workers", {"configuration", "socket"}, [&] {
    Link link;
    for (const std::string& socket : sockets_) {
      const auto body = ask_worker(socket, "health", kWorkerTimeout);
      if (!body) {
        return Link::fails(
            socket + ": " + body.error(),
            "nobody answers: are workers alive? systemctl status 'blobvalet-*', and their log");
      }
      link = judge_health(*body, site_ ? site_->revision() : std::string());
      if (link.state != Link::State::ok) {
        link.detail = socket + ": " + link.detail;
        return link;
      }
    }
    return link;
  });
}

Link Doctor::is_nginx_in_use() const {
  for (const char* endpoint : {"signature", "success", "session"}) {
    const bool is_needed = endpoint != std::string_view("session") || (policy_ && policy_->lists());
    if (!is_needed) continue;
    if (std::ranges::find(locations_, endpoint, &NginxLocation::endpoint) != locations_.end()) continue;
    return Link::fails(
        std::string("no location passes requests to blobvalet as ") + endpoint,
        "put \"include snippets/blobvalet.conf;\" into the site's server {}, and reload nginx");
  }
  const NginxDirective* directive = nginx_->main().find("pid");
  const std::string file = directive == nullptr ? "/run/nginx.pid" : directive->text();
  const auto pid = read_text_file(file);
  if (!pid || ::kill(static_cast<pid_t>(std::strtol(pid->c_str(), nullptr, 10)), 0) != 0) {
    if (pid && errno == EPERM) return Link::ok("it runs, with blobvalet at " + locations_.front().path);
    return Link::fails("nginx does not run: nobody has the number in " + file, "systemctl start nginx");
  }
  return Link::ok("it runs, with blobvalet at " + locations_.front().path);
}

void Doctor::look_at_nginx() {
  add("nginx", {}, [&] { return nginx_ ? is_nginx_in_use() : Link::not_tested(why_no_nginx_); });
}

// --- the site
// -------------------------------------------------------------------------------------------------

void Doctor::look_at_tls() {
  if (nginx_ && diagnosis_.broken({"nginx"})) return diagnosis_.add("tls", Link::not_tested("see nginx"));
  if (options_.url.empty()) return diagnosis_.add("tls", Link::not_tested("give the site by --url"));
  const auto url = EndpointUrl::parse(options_.url);
  const Address address = address_of(*url);
  if (url->origin.starts_with("https://"))
    return diagnosis_.add("tls", probe_tls(address.host, address.port, options_.ca_file));
  diagnosis_.add("tls", Link::ok("the URL is plain http: nothing is protected on the way"));
}

/// Where the site has one of our endpoints: as nginx says, else where the snippet puts it.
std::string Doctor::url_of(std::string_view endpoint) const {
  const auto found = std::ranges::find(locations_, endpoint, &NginxLocation::endpoint);
  const bool is_exact = found != locations_.end() && found->path.starts_with('/');
  const std::string path = is_exact ? found->path : "/blobvalet/" + std::string(endpoint);
  return EndpointUrl::parse(options_.url)->origin + path;
}

tl::expected<HttpAnswer, HttpFailure> Doctor::ask_site(HttpCall call) {
  const Wiper wiper(call);
  call.ca_file = options_.ca_file;
  call.connect_timeout = seconds(3);
  call.timeout = seconds(60);
  call.headers.insert(call.headers.end(), options_.headers.begin(), options_.headers.end());
  return http_.send(call);
}

/// Origins of pages on other sites.
std::vector<std::string> Doctor::other_origins() const {
  std::vector<std::string> origins = options_.origins;
  if (config_) {
    const auto& configured = config_->config.cors.origins;
    origins.insert(origins.end(), configured.begin(), configured.end());
  }
  const auto url = EndpointUrl::parse(options_.url);
  std::erase_if(origins, [&](const std::string& origin) { return url && origin == url->origin; });
  return origins;
}

void Doctor::look_at_site_cors() {
  add("site_cors", {"tls"}, [&] {
    const auto origins = other_origins();
    if (origins.empty())
      return Link::not_tested("no page of another site is known: name one by cors.origins or --origin");
    Preflight preflight{url_of("signature"), {}, "GET", {"x-requested-with"}};
    for (const std::string& origin : origins) {
      preflight.origin = origin;
      const auto answer = http_.send(preflight.call(options_.ca_file));
      if (!answer) return unreachable(answer.error(), "the site");
      const std::string objection = preflight.objection(*answer);
      if (!objection.empty()) {
        return Link::fails(std::string("pages of ").append(origin).append(" may not ask: ").append(objection),
                           "add it to blobvalet/origins.map, and reload nginx");
      }
      if (answer->header("access-control-allow-credentials") != "true") {
        return Link::fails("pages of " + origin + " may not log in there",
                           "use snippets/blobvalet-cors.conf as it is shipped");
      }
    }
    preflight.origin = kStranger;
    const auto answer = http_.send(preflight.call(options_.ca_file));
    if (!answer) return unreachable(answer.error(), "the site");
    if (preflight.objection(*answer).empty())
      return Link::fails("pages of any site may ask", "list origins by their exact names in origins.map");
    return Link::ok("nginx lets pages of " + std::to_string(origins.size()) +
                    " other sites ask, and no others");
  });
}

/// What pages of these origins ask the accounts of all rules.
std::vector<Doctor::AccountPreflight> Doctor::account_preflights(
    const std::vector<std::string>& origins) const {
  std::vector<AccountPreflight> all;
  for (const Rule& rule : config_->config.rules) {
    const Account& owner = config_->config.accounts[rule.account_index];
    if (std::ranges::find(all, &owner, &AccountPreflight::account) != all.end()) continue;
    const std::string url = owner.endpoints.front().url() + "/" + rule.container + "/blobvalet-preflight";
    for (const std::string& method : cors_needs(config_->config, rule.account_index, {}).methods) {
      std::vector<std::string> headers;
      if (method == "PUT") headers = {"content-type", "x-ms-blob-type", "x-ms-meta-qqfilename"};
      for (const std::string& origin : origins)
        all.push_back({&owner, {url, origin, method, headers}});
    }
  }
  return all;
}

void Doctor::look_at_account_cors() {
  add("account_cors", {"configuration"}, [&] {
    std::vector<std::string> origins = options_.origins;
    const auto& configured = config_->config.cors.origins;
    origins.insert(origins.end(), configured.begin(), configured.end());
    if (origins.empty() && !options_.url.empty()) origins.push_back(EndpointUrl::parse(options_.url)->origin);
    if (origins.empty()) return Link::not_tested("no page is known: name one by cors.origins or --origin");
    for (const auto& [owner, preflight] : account_preflights(origins)) {
      const auto answer = http_.send(preflight.call(owner->requests.ca_file));
      if (!answer) return unreachable(answer.error(), "the account");
      const std::string objection = preflight.objection(*answer);
      if (objection.empty()) continue;
      return Link::fails(owner->name + " does not let pages of " + preflight.origin + " " + preflight.method +
                             ": " + objection,
                         "blobvalet cors plan, then blobvalet cors apply");
    }
    return Link::ok("the account lets pages upload");
  });
}

}  // namespace blobvalet::fcgi
