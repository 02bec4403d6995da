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

#include "core/azure_authorization.hpp"
#include "core/clock_skew.hpp"
#include "core/cors_rules.hpp"
#include "core/declared_put.hpp"
#include "core/hexadecimal.hpp"
#include "core/key_probe.hpp"
#include "core/percent_encoding.hpp"
#include "core/preflight.hpp"
#include "core/wipe.hpp"
#include "fcgi/adapters/secret_files.hpp"
#include "fcgi/adapters/tls_probe.hpp"
#include "fcgi/fcgi_client.hpp"
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

/// The name that a pattern's first match could have; nothing if a value for it is missing.
std::optional<std::string> name_for(const NamePattern& pattern, const Caller& caller,
                                    const std::string& file_name) {
  const std::string text = pattern.text();
  std::string name;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '{') {
      const std::size_t close = text.find('}', at);
      const std::string_view value = caller.value_of(text.substr(at + 1, close - at - 1));
      if (value.empty()) return std::nullopt;
      name.append(value);
      at = close;
    } else if (text[at] == '*') {
      const bool is_last = text.find_first_not_of('*', at) == std::string::npos;
      name.append(is_last ? file_name : file_name.substr(0, file_name.rfind('.')));
      at = is_last ? text.size() : at;
    } else {
      name.push_back(text[at]);
    }
  }
  return name;
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

std::string octal(mode_t mode) {
  std::string text;
  for (int shift = 9; shift >= 0; shift -= 3)
    text.push_back(static_cast<char>('0' + ((mode >> static_cast<unsigned>(shift)) & 7U)));
  return text;
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

Link unreachable(HttpFailure failure, const char* who) {
  return Link::fails(std::string(who) + ": " + std::string(describe(failure)),
                     "is it down, or does a firewall stand between?");
}

}  // namespace

Doctor::Doctor(DoctorOptions options) : options_(std::move(options)), uuid_(new_uuid()) {
  body_.assign(reinterpret_cast<const char*>(kPicture.data()), kPicture.size());
  if (options_.file.empty()) return;
  auto text = read_text_file(options_.file);
  if (!text) throw std::runtime_error(options_.file + ": cannot be read: " + std::strerror(errno));
  body_ = std::move(*text);
}

template <class Examine>
void Doctor::add(std::string_view name, std::initializer_list<std::string_view> needs, Examine examine) {
  const auto broken = diagnosis_.broken(needs);
  diagnosis_.add(name, broken ? Link::not_tested("see " + *broken) : examine());
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

// --- a real upload
// --------------------------------------------------------------------------------------------

const Account& Doctor::account() const {
  return config_->config.accounts[test_->rule->account_index];
}

/// Chooses a rule and a name that it allows.
Link Doctor::find_test() {
  std::vector<NamedValue> vars;
  for (const auto& [name, value] : options_.vars)
    vars.push_back({name, value});
  const Caller caller{options_.user, "192.0.2.1", vars};
  const std::string file_name = "blobvalet-doctor-" + uuid_ + ".png";
  for (const Rule& rule : config_->config.rules) {
    if (!options_.rule.empty() && rule.name != options_.rule) continue;
    for (const NamePattern& pattern : rule.blobs) {
      const auto name = name_for(pattern, caller, file_name);
      if (!name) continue;
      std::string url =
          config_->config.accounts[rule.account_index].endpoints.front().url() + "/" + rule.container + "/";
      append_path_encoded(url, *name);
      std::string decoded;
      const auto target = endpoints_.parse(url, BlobNames::uri, decoded);
      const auto grant = target ? policy_->decide(*target, BlobVerb::put, caller, clock_.now())
                                : tl::unexpected(target.error());
      if (!grant) continue;
      test_ = Test{&rule, url, *name};
      return Link::ok({});
    }
  }
  return Link::not_tested("no rule lets " + (options_.user.empty() ? std::string("nobody") : options_.user) +
                          " upload; say who you are by --user, and --var for other values in patterns");
}

/// The query of Fine Uploader, or of the page script where the rule wants to know the request.
std::string Doctor::signature_query(const char* verb) const {
  std::string uri = config_->config.accounts[test_->rule->account_index].endpoints.front().url() + "/" +
                    test_->rule->container + "/";
  if (config_->config.blob_names == BlobNames::uri) {
    append_path_encoded(uri, test_->name);
  } else {
    uri.append(test_->name);
  }
  std::string query("?bloburi=");
  append_query_encoded(query, uri);
  query.append("&_method=").append(verb);
  if (test_->rule->bind_request && std::string_view(verb) == "PUT") {
    query.append("&operation=put_blob&content_length=").append(std::to_string(body_.size()));
    query.append("&content_type=");
    append_query_encoded(query, options_.content_type);
  }
  return query;
}

void Doctor::test_upload() {
  std::string uri;
  add("signature", {"configuration", "workers", "tls"}, [&] {
    Link found = find_test();
    if (!test_) return found;
    HttpCall call;
    call.url = url_of("signature") + signature_query("PUT");
    auto answer = ask_site(std::move(call));
    if (!answer) return unreachable(answer.error(), "the site");
    Link link = judge_signature(*answer, test_->blob_url, options_.user);
    if (link.state == Link::State::ok) uri = std::move(answer->body);
    return link;
  });
  std::optional<Link> upload;
  add("container", {"signature"}, [&] {
    // Where only the workers have it, the upload itself tells.
    if (diagnosis_.fails("key")) return Link::not_tested("see key");
    HttpCall call;
    const Wiper wiper(call);
    call.method = "PUT";
    call.url = uri;
    call.body = body_;
    call.ca_file = account().requests.ca_file;
    call.timeout = seconds(30);
    call.headers = {"Content-Type: " + options_.content_type, "x-ms-blob-type: BlockBlob",
                    "x-ms-meta-qqfilename: blobvalet-doctor.png"};
    const auto answer = http_.send(call);
    if (!answer) {
      upload = unreachable(answer.error(), "the account");
      return Link::not_tested("the account cannot be reached");
    }
    is_stored_ = answer->status == 201;
    Link link = judge_container(*answer, account().name, test_->rule->container);
    if (link.state != Link::State::fails) upload = judge_storage(*answer, 201);
    return link;
  });
  wipe(uri);
  if (upload) return diagnosis_.add("upload", std::move(*upload));
  diagnosis_.add("upload", Link::not_tested("see " + *diagnosis_.broken({"signature", "key", "container"})));
}

/// The right to do this with the test blob, as the policy gives it to the user; the views of what is handed
/// to `use` end with the call.
template <class Use>
auto Doctor::with_grant(BlobVerb verb, Use use) {
  std::vector<NamedValue> vars;
  for (const auto& [name, value] : options_.vars)
    vars.push_back({name, value});
  const Caller caller{options_.user, "192.0.2.1", vars};
  std::string decoded;
  const auto target = endpoints_.parse(test_->blob_url, BlobNames::uri, decoded);
  return use(policy_->decide(*target, verb, caller, clock_.now()));
}

/// A request of our own about the test blob.
tl::expected<HttpAnswer, HttpFailure> Doctor::ask_account(ServiceOperation operation, const char* method) {
  return with_grant(BlobVerb::put, [&](const Result<SasGrant>& grant) {
    FileSecrets files;
    SasSigners signers(site_->signing_keys());
    AzureAuthorization authorization(*site_, signers, clock_, files);
    HttpCall call;
    const Wiper wiper(call);
    call.method = method;
    call.timeout = seconds(10);
    const auto authorized = authorization.authorize(call, *grant, operation, "");
    using Answer = tl::expected<HttpAnswer, HttpFailure>;
    return authorized ? http_.send(call) : Answer(tl::unexpected(HttpFailure::unreachable));
  });
}

void Doctor::test_stored() {
  add("stored", {"upload"}, [&] {
    if (!site_) return Link::not_tested("only the workers have the keys that this takes");
    const auto answer = ask_account(ServiceOperation::read, "HEAD");
    if (!answer) return unreachable(answer.error(), "the account");
    Link link = judge_storage(*answer, 200);
    const bool is_whole = answer->header("content-length") == std::to_string(body_.size());
    if (link.state == Link::State::ok && !is_whole)
      return Link::fails("the blob has another size than what was sent", "does a proxy stand between?");
    if (link.state == Link::State::ok) link.detail = "the blob is there, with all its bytes";
    return link;
  });
}

void Doctor::test_callback() {
  std::optional<Link> hook;
  add("callback", {"upload"}, [&] {
    if (!options_.callback) return Link::not_tested("not wanted");
    HttpCall call;
    call.method = "POST";
    call.url = url_of("success");
    call.headers = {"Content-Type: application/x-www-form-urlencoded"};
    std::string blob = test_->name;
    if (config_->config.blob_names == BlobNames::uri) {
      blob.clear();
      append_path_encoded(blob, test_->name);
    }
    call.body = "blob=";
    append_query_encoded(call.body, blob);
    call.body.append("&uuid=").append(uuid_).append("&name=blobvalet-doctor.png&container=");
    append_query_encoded(call.body, account().endpoints.front().url() + "/" + test_->rule->container);
    auto answer = ask_site(std::move(call));
    if (!answer) return unreachable(answer.error(), "the site");
    hook = judge_hook(*answer);
    return judge_callback(*answer, options_.user);
  });
  add("hook", {"callback"}, [&] {
    const auto& configured = config_->config.success.hook;
    if (!configured) return Link::not_tested("no success.hook is configured");
    if (configured->mode == HookOptions::Mode::sync || hook->state == Link::State::fails) return *hook;
    HttpCall call;
    call.method = "OPTIONS";  // asks nothing of the application
    call.url = configured->url;
    call.unix_socket = configured->unix_socket;
    call.ca_file = configured->ca_file;
    const auto answer = http_.send(call);
    if (!answer) {
      return Link::fails(
          "the application of " + configured->url + ": " + std::string(describe(answer.error())),
          "start it; events wait until then: blobvalet events list");
    }
    return Link::ok("the event is stored, and somebody answers at the application's place");
  });
}

/// Only where the rule lets its users see what they have uploaded.
void Doctor::test_session() {
  if (!test_ || !test_->rule->list) return;
  add("session", {"upload"}, [&] {
    const std::size_t leaf = test_->name.rfind('/') + 1;
    const bool is_uri = config_->config.blob_names == BlobNames::uri;
    std::string folder = account().endpoints.front().url() + "/" + test_->rule->container;
    std::string name;
    if (is_uri) {
      if (leaf > 0) append_path_encoded(folder.append("/"), test_->name.substr(0, leaf - 1));
      append_path_encoded(name, test_->name.substr(leaf));
    } else {
      if (leaf > 0) folder.append("/").append(test_->name, 0, leaf - 1);
      name = test_->name.substr(leaf);
    }
    HttpCall call;
    call.url = url_of("session") + "?container=";
    append_query_encoded(call.url, folder);
    call.max_answer_bytes = std::size_t{2} << 20;
    const auto answer = ask_site(std::move(call));
    return answer ? judge_session(*answer, name, options_.user) : unreachable(answer.error(), "the site");
  });
}

/// Also cleans up, however the links before went.
void Doctor::test_delete() {
  add("delete", {"upload"}, [&] {
    const bool is_allowed =
        with_grant(BlobVerb::del, [](const Result<SasGrant>& grant) { return grant.has_value(); });
    if (!is_allowed)
      return Link::not_tested("no rule lets this user delete; see no_delete of blobvalet check");
    HttpCall call;
    call.url = url_of("signature") + signature_query("DELETE");
    const auto signature = ask_site(std::move(call));
    if (!signature) return unreachable(signature.error(), "the site");
    Link link = judge_signature(*signature, test_->blob_url, options_.user);
    if (link.state != Link::State::ok) return link;
    HttpCall removal;
    const Wiper wiper(removal);
    removal.method = "DELETE";
    removal.url = signature->body;
    removal.ca_file = account().requests.ca_file;
    removal.timeout = seconds(10);
    const auto answer = http_.send(removal);
    if (!answer) return unreachable(answer.error(), "the account");
    is_stored_ = answer->status != 202;
    link = judge_storage(*answer, 202);
    if (link.state == Link::State::ok) link.detail = "the test blob is gone";
    return link;
  });
  if (!is_stored_) return;
  const auto answer =
      site_ ? ask_account(ServiceOperation::remove, "DELETE") : tl::unexpected(HttpFailure::unreachable);
  if (answer && answer->status == 202) return;
  diagnosis_.add("clean_up",
                 Link::fails("the test blob is still there: " + test_->rule->container + "/" + test_->name,
                             "delete it"));
}

}  // namespace blobvalet::fcgi
