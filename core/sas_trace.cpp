#include "core/sas_trace.hpp"

#include <algorithm>
#include <array>

#include "core/ascii.hpp"
#include "core/form_urlencoded.hpp"
#include "core/percent_encoding.hpp"
#include "core/sha256.hpp"

namespace blobvalet {
namespace {

constexpr std::string_view kHexadecimal = "0123456789abcdefABCDEF";
constexpr std::size_t kDigits = 64;

/// The digits at the start of `text`, in lower case; empty if they are not exactly as many as a SHA-256 has.
std::string digest_at(std::string_view text) {
  const std::size_t size = std::min(text.find_first_not_of(kHexadecimal), text.size());
  return size == kDigits ? lower_case(text.substr(0, size)) : std::string();
}

/// The text or number that a JSON object in `line` has under one of `names`; empty: none.
std::string member(std::string_view line, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    std::size_t at = line.find("\"" + std::string(name) + "\"");
    if (at == std::string_view::npos) continue;
    at = line.find_first_not_of(" :\t", at + name.size() + 2);
    if (at == std::string_view::npos) continue;
    const bool quoted = line[at] == '"';
    if (quoted) ++at;
    const std::size_t end = std::min(line.find_first_of(quoted ? "\"" : ",} ", at), line.size());
    return std::string(line.substr(at, end - at));
  }
  return {};
}

void add(std::vector<WantedSas>& wanted, WantedSas sas) {
  const bool known = std::ranges::find(wanted, sas.sha256, &WantedSas::sha256) != wanted.end();
  if (!sas.sha256.empty() && !known) wanted.push_back(std::move(sas));
}

/// From lines of Azure's log: the hash of the key stands there too, before that of the signature.
void add_named_signatures(std::vector<WantedSas>& wanted, std::string_view line, const std::string& lower) {
  constexpr std::string_view kName = "sassignature(";
  for (std::size_t at = lower.find(kName); at != std::string::npos; at = lower.find(kName, at + 1)) {
    add(wanted,
        {digest_at(line.substr(at + kName.size())), member(line, {"time", "TimeGenerated"}),
         member(line, {"callerIpAddress", "CallerIpAddress"}),
         member(line, {"operationName", "OperationName"}), member(line, {"statusCode", "StatusCode"})});
  }
}

/// From a SAS URL, or its query alone.
void add_signature_parameter(std::vector<WantedSas>& wanted, std::string_view line) {
  line = line.substr(std::min(line.find('?') + 1, line.size()));
  FormReader reader(line.substr(0, line.find_first_of(" \t\"'<>")));
  while (const auto pair = reader.next()) {
    std::string signature;
    if (pair->name != "sig" || !append_percent_decoded(signature, pair->value)) continue;
    add(wanted, {sha256_hex(signature), {}, {}, {}, {}});
  }
}

void add_digests(std::vector<WantedSas>& wanted, std::string_view line) {
  while (true) {
    const std::size_t begin = line.find_first_of(kHexadecimal);
    if (begin == std::string_view::npos) return;
    line.remove_prefix(begin);
    add(wanted, {digest_at(line), {}, {}, {}, {}});
    line.remove_prefix(std::min(line.find_first_not_of(kHexadecimal), line.size()));
  }
}

}  // namespace

std::vector<WantedSas> wanted_sas(std::string_view text) {
  std::vector<WantedSas> wanted;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const std::string lower = lower_case(line);
    if (lower.find("sassignature(") != std::string::npos) {
      add_named_signatures(wanted, line, lower);
    } else if (lower.find("sig=") != std::string::npos) {
      add_signature_parameter(wanted, line);
    } else {
      add_digests(wanted, line);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return wanted;
}

SasTrace::Grant::Grant(const LoggedRequest& line)
    : time(line.time),
      request_id(line.request_id),
      endpoint(line.endpoint),
      user(line.user),
      remote_addr(line.remote_addr),
      verb(line.verb),
      account(line.account),
      container(line.container),
      blob(line.blob),
      rule(line.rule),
      permissions(line.permissions),
      starts(line.starts),
      expires(line.expires),
      ip(line.ip),
      sha256(line.signature_sha256) {
  for (const auto& [name, value] : line.vars)
    vars.emplace_back(name, value);
}

bool SasTrace::Grant::is_of_same_person(const Grant& other) const {
  return user == other.user && (!user.empty() || remote_addr == other.remote_addr);
}

SasTrace::SasTrace(std::vector<WantedSas> wanted, std::optional<std::chrono::seconds> around)
    : around_(around) {
  for (WantedSas& sas : wanted)
    found_.push_back({std::move(sas), {}, {}});
}

void SasTrace::read(const LoggedRequest& line) {
  ++searched_.requests;
  if (searched_.from.empty() || line.time < searched_.from) searched_.from = line.time;
  if (line.time > searched_.to) searched_.to = line.time;
  if (line.signature_sha256.empty()) return;
  ++searched_.grants;
  for (Found& sas : found_) {
    if (sas.wanted.sha256 != line.signature_sha256) continue;
    sas.grants.emplace_back(line);
    if (sas.grants.size() == 1) look_back(sas);
  }
  if (around_) remember(line);
}

void SasTrace::look_back(Found& sas) {
  const Grant& grant = sas.grants.front();
  const auto given = parse_utc(grant.time);
  for (const auto& [time, earlier] : recent_) {
    if (given && time + *around_ >= *given && earlier.is_of_same_person(grant)) sas.around.push_back(earlier);
  }
}

void SasTrace::remember(const LoggedRequest& line) {
  const auto time = parse_utc(line.time);
  if (!time) return;
  const Grant grant(line);
  for (Found& sas : found_) {
    if (sas.grants.empty() || grant.sha256 == sas.wanted.sha256) continue;
    const auto given = parse_utc(sas.grants.front().time);
    if (given && *time <= *given + *around_ && grant.is_of_same_person(sas.grants.front())) {
      sas.around.push_back(grant);
    }
  }
  recent_.emplace_back(*time, grant);
  while (recent_.front().first + *around_ < *time)
    recent_.pop_front();
}

}  // namespace blobvalet
