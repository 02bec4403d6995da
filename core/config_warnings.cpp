#include "core/config_warnings.hpp"

#include <algorithm>
#include <array>

#include "core/ascii.hpp"
#include "core/identity_failure.hpp"

namespace blobvalet {
namespace {

using std::chrono::seconds;

// A part waits for its turn and takes its time; a file whose SAS has run out is sent once more from its
// start.
constexpr seconds kLongPut = std::chrono::hours(1);
constexpr seconds kShortPut{60};
constexpr seconds kLongDelete = std::chrono::minutes(15);
constexpr std::string_view kOldVersion = "2019-12-12";  // older ones take no blocks of more than 100 MiB

bool is_plain(const EndpointUrl& endpoint) {
  return endpoint.origin.starts_with("http://");
}

/// True for plain http to another machine.
bool is_in_the_clear(std::string_view url) {
  return !is_confidential_url(url.substr(0, url.find('?')));
}

bool takes_everything(const Rule& rule) {
  return std::ranges::any_of(rule.blobs, [](const NamePattern& p) { return p.text() == "**"; });
}

/// True if all users have the same names by one of the patterns.
bool is_shared(const Rule& rule) {
  return std::ranges::any_of(rule.blobs,
                             [](const NamePattern& p) { return p.text().find('{') == std::string::npos; });
}

/// True if whoever may upload by `put` can delete the same blobs by `other`.
bool deletes_what(const Rule& put, const Rule& other) {
  if (other.delete_permissions.text().empty() || other.account_index != put.account_index ||
      other.container != put.container || (put.anonymous && !other.anonymous))
    return false;
  return takes_everything(other) || std::ranges::all_of(put.blobs, [&](const NamePattern& wanted) {
           return std::ranges::any_of(other.blobs,
                                      [&](const NamePattern& p) { return p.text() == wanted.text(); });
         });
}

/// Collects the warnings of one configuration.
class Collector {
 public:
  explicit Collector(const Config& config) : config_(config) {}

  Warnings collect() {
    for (std::size_t i = 0; i < config_.accounts.size(); ++i)
      look_at_account(config_.accounts[i], "accounts[" + std::to_string(i) + "].");
    for (std::size_t i = 0; i < config_.rules.size(); ++i)
      look_at_rule(config_.rules[i], "rules[" + std::to_string(i) + "].");
    if (config_.success.hook) look_at_hook(*config_.success.hook);
    look_at_cors(config_.cors);
    return std::move(warnings_);
  }

 private:
  void warn(const char* code, std::string field, std::string what, std::string mend) {
    warnings_.push_back({code, std::move(field), std::move(what), std::move(mend)});
  }

  void look_at_account(const Account& account, const std::string& path) {
    for (std::size_t i = 0; i < account.endpoints.size(); ++i) {
      if (!is_in_the_clear(account.endpoints[i].url())) continue;
      warn("http_endpoint",
           path + (i == 0 ? std::string("endpoint") : "aliases[" + std::to_string(i - 1) + "]"),
           "is plain http to another machine: signatures and files can be read on the way", "use https");
    }
  }

  void look_at_rule(const Rule& rule, const std::string& path) {
    const bool puts = !rule.put_permissions.text().empty();
    const bool deletes = !rule.delete_permissions.text().empty();
    if (puts) look_at_put(rule, path);
    if (deletes && rule.sas.delete_lifetime > kLongDelete) {
      warn("long_lifetime", path + "sas.delete_lifetime_seconds",
           "a signature to delete is valid for more than 15 minutes",
           "set it to 300, here or in sas: Fine Uploader uses it at once");
    }
    if (deletes && rule.anonymous) {
      warn("anonymous_delete", path + "methods", "nobody need be logged in to delete what others uploaded",
           "leave out DELETE, or demand a user");
    }
    const auto& endpoints = config_.accounts[rule.account_index].endpoints;
    if (rule.sas.protocol != "https" && std::ranges::none_of(endpoints, is_plain)) {
      warn("http_protocol", path + "sas.protocol",
           "signatures are valid over plain http, which no endpoint of the account needs",
           "set it to https, here or in sas");
    }
    if (rule.sas.version.view() < kOldVersion) {
      warn("old_version", path + "sas.version",
           "with a version before 2019-12-12 Azure takes no parts of more than 100 MiB",
           "use 2023-11-03, the default");
    }
    look_at_verification(rule, path);
    if (rule.list && is_shared(rule)) {
      warn("list_of_all", path + "list", "shows each user what all others have uploaded",
           "use {user} in each pattern, or leave out list, unless they are to share their files");
    }
  }

  void look_at_put(const Rule& rule, const std::string& path) {
    if (rule.sas.put_lifetime > kLongPut) {
      warn("long_lifetime", path + "sas.put_lifetime_seconds",
           "a signature to upload is valid for more than an hour, and cannot be taken back",
           "set it to what one part waits and takes at most, such as 900, here or in sas");
    }
    if (rule.sas.put_lifetime < kShortPut) {
      warn("short_lifetime", path + "sas.put_lifetime_seconds",
           "a part that waits and takes longer than this makes Fine Uploader send the file from its start",
           "set it to 900, here or in sas");
    }
    if (rule.anonymous && takes_everything(rule)) {
      warn("anonymous_everything", path + "blobs",
           "** lets anybody write, and overwrite, every blob of the container",
           "demand a user, or narrow the pattern and give PUT the permission c alone");
    }
    if (!rule.put_permissions.has('w')) {
      warn("no_chunks", path + "permissions.PUT",
           "without w Azure refuses parts of a file, so that only files in one piece can be uploaded",
           "use cw, or switch chunking off in the page");
    }
    const bool can_delete =
        std::ranges::any_of(config_.rules, [&](const Rule& other) { return deletes_what(rule, other); });
    if (!can_delete) {
      warn("no_delete", path + "methods",
           "no rule grants DELETE for what this one lets upload: cancelling an upload in parts leaves its "
           "parts behind without a word, and the delete button fails",
           "add DELETE, or a rule that grants it, unless nobody is to delete");
    }
  }

  void look_at_verification(const Rule& rule, const std::string& path) {
    if (rule.put_permissions.text().empty()) return;
    if (!rule.verify.enabled) {
      warn("verify_disabled", path + "verify.enabled",
           "a callback is believed without asking Azure whether the blob is there",
           "remove it, here or in success.verify");
    } else if (rule.verify.on_azure_failure == OnFailure::accept) {
      warn("verify_skipped", path + "verify.on_azure_failure",
           "while Azure does not answer, callbacks are believed without looking",
           "use refuse, the default: Fine Uploader tries again");
    }
  }

  void look_at_hook(const HookOptions& hook) {
    if (!hook.unix_socket.empty() || !is_in_the_clear(hook.url)) return;
    warn(
        "http_hook", "success.hook.url",
        "is plain http to another machine: messages and answers can be read, and answers changed, on the way",
        "use https, or success.hook.unix_socket");
  }

  void look_at_cors(const CorsOptions& cors) {
    for (std::size_t i = 0; i < cors.origins.size(); ++i) {
      if (!is_in_the_clear(cors.origins[i])) continue;
      warn("http_origin", "cors.origins[" + std::to_string(i) + "]",
           "is a page on plain http, which anybody on the way can change", "serve the page by https");
    }
    for (std::size_t i = 0; i < cors.parameters.size(); ++i) {
      if (is_upload_parameter(cors.parameters[i])) continue;
      warn("bad_parameter_name", "cors.parameters[" + std::to_string(i) + "]",
           "Azure answers 400 to metadata of this name, so every upload fails",
           "rename it in the page: a letter or _, then letters, digits and _");
    }
  }

  const Config& config_;
  Warnings warnings_;
};

}  // namespace

Warnings config_warnings(const Config& config) {
  return Collector(config).collect();
}

bool is_upload_parameter(std::string_view name) {
  if (is_header_parameter(name)) return true;
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !name.empty() && is_letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return is_letter(c) || is_digit(c); });
}

bool is_header_parameter(std::string_view name) {
  constexpr std::array<std::string_view, 8> kNames{
      "Cache-Control",         "Content-Disposition",        "Content-Encoding",
      "Content-MD5",           "x-ms-blob-content-encoding", "x-ms-blob-content-disposition",
      "x-ms-blob-content-md5", "x-ms-blob-cache-control"};
  return std::ranges::find(kNames, name) != kNames.end();
}

}  // namespace blobvalet
