#include "core/config_credential.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "core/identity_failure.hpp"

namespace blobvalet {
namespace {

using Kind = IdentityOptions::Kind;
using IdKind = IdentityOptions::IdKind;

std::vector<KeySource> sources_in(const ObjectReader& object, const SecretMembers& members) {
  std::vector<KeySource> sources;
  if (const auto file = object.text(members.file)) sources.push_back({KeySource::Kind::file, *file});
  if (const auto name = object.text(members.environment))
    sources.push_back({KeySource::Kind::environment, *name});
  if (const auto name = object.text(members.credential))
    sources.push_back({KeySource::Kind::credential, *name});
  return sources;
}

void read_shared_key(Account& account, const ObjectReader& credential, const ReportFault& report) {
  const bool short_form = !sources_in(credential, kKeyMembers).empty();
  if (short_form && (credential.has("current") || credential.has("next"))) {
    return report(credential.path(), "must give the key directly or under current and next, not both");
  }
  const ObjectReader current = short_form ? credential : credential.object("current");
  if (auto source = read_secret_source(current, kKeyMembers, report))
    account.current_key = std::move(*source);
  if (credential.has("next"))
    account.next_key = read_secret_source(credential.object("next"), kKeyMembers, report);
  account.use_next = credential.text("use") == "next";
  if (account.use_next && !credential.has("next"))
    report(credential.path_of("use"), "is next, but there is no next key");
}

/// A managed identity is named in one way, or not at all: then it is the machine's own.
void read_managed_identity(IdentityOptions& identity, const ObjectReader& credential,
                           const ReportFault& report) {
  constexpr std::array<std::pair<const char*, IdKind>, 3> kNames{{{"client_id", IdKind::client_id},
                                                                  {"object_id", IdKind::object_id},
                                                                  {"resource_id", IdKind::resource_id}}};
  for (const auto& [name, kind] : kNames) {
    const auto id = credential.text(name);
    if (!id) continue;
    if (identity.id_kind != IdKind::system)
      report(credential.path_of(name), "cannot be combined with another id");
    identity.id_kind = kind;
    identity.id = *id;
  }
}

/// Entra is asked by https; a token endpoint of the tests' may be on this machine.
void check_authority(const IdentityOptions& identity, const ObjectReader& credential,
                     const ReportFault& report) {
  if (identity.authority_host.empty()) return;
  const auto url = EndpointUrl::parse(identity.authority_host);
  if (!url || leaves_in_the_clear(*url))
    report(credential.path_of("authority"), "must be a URL such as https://login.microsoftonline.com");
}

void read_application(IdentityOptions& identity, const ObjectReader& credential, const ReportFault& report) {
  identity.tenant_id = credential.text("tenant_id").value_or("");
  identity.client_id = credential.text("client_id").value_or("");
  identity.authority_host = credential.text("authority").value_or("");
  identity.token_file = credential.text("token_file").value_or("");
  identity.ca_file = credential.text("ca_file").value_or("");
  check_authority(identity, credential, report);
  if (identity.kind != Kind::client_secret) return;
  for (const char* name : {"tenant_id", "client_id"}) {
    if (!credential.has(name)) report(credential.path_of(name), "is missing; client_secret needs it");
  }
  identity.client_secret = read_secret_source(credential, kSecretMembers, report);
}

/// Which members each type has, beside those of all identities.
bool belongs_to(std::string_view type, std::string_view member) {
  constexpr std::array<std::string_view, 6> kOfKeys{"key_file", "key_env", "key_credential",
                                                    "current",  "next",    "use"};
  constexpr std::array<std::string_view, 3> kOfManaged{"client_id", "object_id", "resource_id"};
  constexpr std::array<std::string_view, 5> kOfWorkload{"tenant_id", "client_id", "authority", "token_file",
                                                        "ca_file"};
  constexpr std::array<std::string_view, 7> kOfSecret{
      "tenant_id", "client_id", "authority", "ca_file", "secret_file", "secret_env", "secret_credential"};
  constexpr std::array<std::string_view, 2> kOfDefault{"authority", "ca_file"};
  const auto has = [member](const auto& list) { return std::ranges::find(list, member) != list.end(); };
  if (member == "type") return true;
  if (type == "shared_key") return has(kOfKeys);
  if (member == "key_lifetime_seconds") return true;
  if (type == "managed_identity") return has(kOfManaged);
  if (type == "workload_identity") return has(kOfWorkload);
  if (type == "client_secret") return has(kOfSecret);
  return has(kOfDefault);
}

void check_members(std::string_view type, const ObjectReader& credential, const ReportFault& report) {
  for (const std::string& member : credential.names()) {
    if (belongs_to(type, member)) continue;
    report(credential.path_of(member.c_str()), "is not for type " + std::string(type));
  }
}

std::optional<Kind> identity_kind(std::string_view type) {
  if (type == "managed_identity") return Kind::managed_identity;
  if (type == "workload_identity") return Kind::workload_identity;
  if (type == "client_secret") return Kind::client_secret;
  if (type == "default") return Kind::default_chain;
  return std::nullopt;
}

}  // namespace

std::optional<KeySource> read_secret_source(const ObjectReader& object, const SecretMembers& members,
                                            const ReportFault& report) {
  auto sources = sources_in(object, members);
  if (sources.size() == 1) return std::move(sources.front());
  report(object.path(), std::string("must have exactly one of ") + members.file + ", " + members.environment +
                            " and " + members.credential);
  return std::nullopt;
}

void read_credential(Account& account, const ObjectReader& credential, const ReportFault& report) {
  const std::string type = credential.text("type").value_or("");
  const auto kind = identity_kind(type);
  if (!kind && type != "shared_key") return;
  check_members(type, credential, report);
  if (!kind) return read_shared_key(account, credential, report);

  IdentityOptions& identity = account.identity.emplace();
  identity.kind = *kind;
  const auto lifetime = credential.number("key_lifetime_seconds");
  if (lifetime) identity.key_lifetime = std::chrono::seconds(*lifetime);
  if (*kind == Kind::managed_identity) {
    read_managed_identity(identity, credential, report);
  } else {
    read_application(identity, credential, report);
  }
  // The bearer token goes there.
  if (!account.endpoints.empty() && leaves_in_the_clear(account.endpoints.front()))
    report(credential.path_of("type"), "can be " + type + " with an https endpoint only");
}

bool leaves_in_the_clear(const EndpointUrl& endpoint) {
  return !is_confidential_url(endpoint.url());
}

}  // namespace blobvalet
