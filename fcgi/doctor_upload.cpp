// The links that upload one small blob, report it, and delete it.
#include "core/azure_authorization.hpp"
#include "core/percent_encoding.hpp"
#include "core/wipe.hpp"
#include "fcgi/adapters/secret_files.hpp"
#include "fcgi/doctor.hpp"

namespace blobvalet::fcgi {
namespace {

using std::chrono::seconds;

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

}  // namespace

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
      const std::string container_url =
          config_->config.accounts[rule.account_index].endpoints.front().url() + "/" + rule.container;
      std::string encoded;
      append_path_encoded(encoded, *name);
      const std::string url = std::string(container_url).append("/").append(encoded);
      std::string decoded;
      const auto target = endpoints_.parse(url, BlobNames::uri, decoded);
      const auto grant = target ? policy_->decide(*target, BlobVerb::put, caller, clock_.now())
                                : tl::unexpected(target.error());
      if (!grant) continue;
      const bool is_raw = config_->config.blob_names == BlobNames::raw;
      test_ = Test{&rule, container_url, *name, is_raw ? *name : encoded, url};
      return Link::ok({});
    }
  }
  return Link::not_tested("no rule lets " + (options_.user.empty() ? std::string("nobody") : options_.user) +
                          " upload; say who you are by --user, and --var for other values in patterns");
}

/// The query of Fine Uploader, or of the page script where the rule wants to know the request.
std::string Doctor::signature_query(const char* verb) const {
  std::string query("?bloburi=");
  append_query_encoded(query, test_->container_url + "/" + test_->sent_name);
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
    call.body = "blob=";
    append_query_encoded(call.body, test_->sent_name);
    call.body.append("&uuid=").append(uuid_).append("&name=blobvalet-doctor.png&container=");
    append_query_encoded(call.body, test_->container_url);
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
    // The page's request.endpoint may as well lead to the folder.
    const std::string& sent = test_->sent_name;
    const std::size_t leaf = sent.rfind('/') + 1;
    std::string folder = test_->container_url;
    if (leaf > 0) folder.append("/").append(sent, 0, leaf - 1);
    HttpCall call;
    call.url = url_of("session") + "?container=";
    append_query_encoded(call.url, folder);
    call.max_answer_bytes = std::size_t{2} << 20;
    const auto answer = ask_site(std::move(call));
    return answer ? judge_session(*answer, sent.substr(leaf), options_.user)
                  : unreachable(answer.error(), "the site");
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
