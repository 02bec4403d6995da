#include "core/sas_field_check.hpp"

#include <algorithm>
#include <array>

#include "core/base64.hpp"
#include "core/blob_target.hpp"
#include "core/ip_address.hpp"
#include "core/percent_encoding.hpp"
#include "core/sas_permissions.hpp"
#include "core/sas_version.hpp"
#include "core/utf8.hpp"

namespace blobvalet {
namespace {

using std::chrono::seconds;

constexpr std::string_view kHexadecimal = "0123456789abcdefABCDEF";

bool is_any_of(std::string_view text, std::initializer_list<std::string_view> texts) {
  return std::ranges::find(texts, text) != texts.end();
}

/// True if `text` holds `%` and two hexadecimal digits.
bool has_escape(std::string_view text) {
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
    const std::string_view digits = text.substr(at + 1, 2);
    if (digits.size() == 2 && digits.find_first_not_of(kHexadecimal) == std::string_view::npos) return true;
  }
  return false;
}

std::string duration_text(seconds duration) {
  const auto count = duration.count();
  if (count < 120) return std::to_string(count) + " s";
  if (count < 7200) return std::to_string(count / 60) + " min";
  if (count < 172800) return std::to_string(count / 3600) + " h";
  return std::to_string(count / 86400) + " days";
}

/// In the form of IPv4: `sip` knows no other.
std::optional<IpAddress::Bytes> parse_ipv4(std::string_view text) {
  const auto address = IpAddress::parse(text);
  if (!address || text.find(':') != std::string_view::npos) return std::nullopt;
  return address->bytes();
}

/// None of the fields that a SAS signs as times, letters and the like holds an escape.
bool is_encoded_twice(const SasUrl::Parameter& parameter) {
  const bool is_ours =
      parameter.name.size() <= 7 && parameter.name.starts_with('s') && parameter.name != "sig";
  return is_ours && !parameter.is_malformed && has_escape(parameter.value);
}

/// A field that exists from one service version on.
struct SinceRow {
  std::string_view name;
  std::string_view version;
};
constexpr std::array kSince{
    SinceRow{"ses", "2020-12-06"},     SinceRow{"saoid", "2020-02-10"}, SinceRow{"suoid", "2020-02-10"},
    SinceRow{"scid", "2020-02-10"},    SinceRow{"sdd", "2020-02-10"},   SinceRow{"sduoid", "2025-07-05"},
    SinceRow{"skdutid", "2025-07-05"}, SinceRow{"srh", "2026-04-06"},   SinceRow{"srq", "2026-04-06"}};

constexpr std::array<std::string_view, 7> kDelegationOnly{"saoid",   "suoid", "scid", "sduoid",
                                                          "skdutid", "srh",   "srq"};
constexpr std::array<std::string_view, 6> kKeyFields{"skoid", "sktid", "skt", "ske", "sks", "skv"};

/// The letters any one of which permits a request; empty: it is not known, or needs none.
struct Need {
  std::string_view letters;
  std::string_view request;
};

Need need_of(const SasUrl& url, std::string_view method) {
  const std::string_view comp = url.value("comp");
  if (method == "DELETE")
    return url.has("versionid") ? Need{"x", "Delete Blob of a version"} : Need{"d", "Delete Blob"};
  if (method == "GET" || method == "HEAD") {
    return comp == "tags" ? Need{"t", "Get Blob Tags"} : Need{"r", "reading"};
  }
  if (comp == "block") return {"w", "Put Block"};
  if (comp == "blocklist") return {"w", "Put Block List"};
  if (method != "PUT") return {};
  if (comp == "tags") return {"t", "Set Blob Tags"};
  if (!comp.empty()) return {"w", comp};
  return {"cw", "Put Blob"};
}

/// Checks one SAS, field by field.
class FieldCheck {
 public:
  FieldCheck(const SasUrl& url, const SasCircumstances& known, const BlobLocation& location, UtcSeconds now,
             SasExplanation& explanation)
      : url_(url),
        known_(known),
        location_(location),
        now_(now),
        explanation_(explanation),
        found_(explanation.findings) {}

  void run() {
    check_parameters();
    check_presence();
    check_version();
    check_resource();
    check_permissions();
    check_times();
    check_protocol();
    check_address();
    check_key();
    check_name();
    check_signature_text();
  }

 private:
  void check_parameters() {
    for (auto parameter = url_.parameters.begin(); parameter != url_.parameters.end(); ++parameter) {
      const auto same = [&](const SasUrl::Parameter& p) { return p.name == parameter->name; };
      if (std::find_if(url_.parameters.begin(), parameter, same) != parameter) {
        found_.fault(parameter->name, "stands there twice");
      }
      if (parameter->is_malformed) found_.fault(parameter->name, "has a malformed percent escape");
      if (is_encoded_twice(*parameter)) found_.fault(parameter->name, "has been percent-encoded twice");
    }
  }

  void check_presence() {
    if (url_.has("ss") || url_.has("srt")) {
      found_.note("ss", "this is an account SAS, which blobvalet never makes");
      return;
    }
    for (const std::string_view name : {"sv", "sr"}) {
      if (url_.value(name).empty()) found_.fault(name, "is missing");
    }
    // Azure's error shows all fields but this one.
    if (url_.value("sig").empty() && !url_.host.empty()) found_.fault("sig", "is missing");
    for (const std::string_view name : {"sp", "se"}) {
      if (url_.value(name).empty() && url_.value("si").empty()) found_.fault(name, "is missing");
    }
    if (url_.has("si") && url_.is_delegation()) {
      found_.fault("si", "a user delegation SAS has no stored access policy");
    }
    for (const std::string_view name : kDelegationOnly) {
      if (url_.has(name) && !url_.is_delegation()) found_.fault(name, "belongs to user delegation SAS only");
    }
  }

  void check_version() {
    const std::string_view text = url_.value("sv");
    if (text.empty() || found_.has_fault_in("sv")) return;
    if (!parse_date(text)) return found_.fault("sv", "must be a date such as 2023-11-03");
    if (!SasVersion::parse(text)) {
      explanation_.unchecked.push_back("sv " + std::string(text) + ": fields of versions before " +
                                       std::string(SasVersion::kOldest) + " and after " +
                                       std::string(SasVersion::kNewest) + " are not known here");
      return;
    }
    for (const auto& [name, version] : kSince) {
      if (url_.has(name) && text < version) {
        found_.fault(name, "needs sv " + std::string(version) + " or later, and it is " + std::string(text));
      }
    }
    const bool old = text < "2019-12-12";
    if (old && url_.value("sp").find_first_of("tx") != std::string_view::npos) {
      found_.fault("sp", "letters t and x need sv 2019-12-12 or later, and it is " + std::string(text));
    }
  }

  void check_resource() {
    const std::string_view kind = url_.value("sr");
    if (kind.empty() || found_.has_fault_in("sr")) return;
    if (!is_any_of(kind, {"b", "c", "d", "bs", "bv"})) return found_.fault("sr", "must be b, c, d, bs or bv");
    if (url_.host.empty()) return;
    if (kind != "c" && kind != "d" && location_.blob.empty()) {
      found_.fault("sr", "is for a blob, and the URL names none");
    }
    if (kind == "d" && !url_.has("sdd")) found_.fault("sdd", "is missing, and sr=d needs it");
    if (kind == "bs" && !url_.has("snapshot")) found_.fault("snapshot", "is missing, and sr=bs needs it");
    if (kind == "bv" && !url_.has("versionid")) found_.fault("versionid", "is missing, and sr=bv needs it");
    if (kind == "c") found_.note("sr", "c: it fits every blob of the container, unlike those of blobvalet");
  }

  void check_permissions() {
    const std::string_view letters = url_.value("sp");
    if (letters.empty() || found_.has_fault_in("sp")) return;
    const auto permissions = SasPermissions::parse(letters);
    if (!permissions) return found_.fault("sp", "has an unknown or repeated letter");
    if (permissions->text() != letters) {
      return found_.fault("sp", "letters must stand in the order " + permissions->text());
    }
    const Need need = need_of(url_, known_.method);
    if (known_.method.empty() && need.letters.empty()) {
      explanation_.unchecked.emplace_back("sp: whether it has the letter that the request needs (--method)");
    }
    if (need.letters.empty() || letters.find_first_of(need.letters) != std::string_view::npos) return;
    std::string what("lacks ");
    what.append(need.letters == "cw" ? "c or w" : need.letters).append(" for ").append(need.request);
    if (need.letters == "w" && letters.find('c') != std::string_view::npos) {
      what.append("; c alone makes new blobs in one piece only");
    }
    found_.fault("sp", std::move(what));
  }

  std::optional<UtcSeconds> time_of(std::string_view name) {
    const std::string_view text = url_.value(name);
    if (text.empty() || found_.has_fault_in(name)) return std::nullopt;
    const auto time = parse_sas_time(text);
    if (!time) found_.fault(name, "must look like 2026-03-01T12:15:00Z");
    return time;
  }

  void check_times() {
    const auto start = time_of("st");
    const auto expiry = time_of("se");
    if (start && expiry && *start >= *expiry) found_.fault("st", "is not before se");
    if (start && *start > now_) {
      found_.fault("st", "is not valid yet, for " + duration_text(*start - now_) +
                             ": a clock that is ahead, or sas.start_backdate_seconds");
    }
    if (expiry && *expiry <= now_) {
      found_.fault("se", "expired " + duration_text(now_ - *expiry) +
                             " ago: sas.put_lifetime_seconds must cover the wait in the page's queue");
    }
  }

  void check_protocol() {
    const std::string_view protocol = url_.value("spr");
    if (protocol.empty() || found_.has_fault_in("spr")) return;
    if (!is_any_of(protocol, {"https", "https,http"})) {
      return found_.fault("spr", "must be https or https,http");
    }
    if (protocol == "https" && url_.scheme == "http") {
      found_.fault("spr", "allows https only, and the URL is http: AuthorizationProtocolMismatch");
    }
  }

  void check_address() {
    const std::string_view range = url_.value("sip");
    if (range.empty() || found_.has_fault_in("sip")) return;
    const std::size_t dash = range.find('-');
    const auto first = parse_ipv4(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_ipv4(range.substr(dash + 1));
    if (!first || !last) return found_.fault("sip", "must be an IPv4 address, or two joined by -");
    if (*first > *last) return found_.fault("sip", "its first address is above its last");
    if (known_.remote_addr.empty()) {
      explanation_.unchecked.emplace_back("sip: whether the client's address is in it (--remote-addr)");
      return;
    }
    const auto address = parse_ipv4(known_.remote_addr);
    if (!address) return found_.fault("sip", "the client's address is not IPv4");
    if (*address < *first || *address > *last) {
      found_.fault(
          "sip", known_.remote_addr + " is not in " + std::string(range) + ": AuthorizationSourceIPMismatch");
    }
  }

  void check_key() {
    if (!url_.is_delegation()) return;
    for (const std::string_view name : kKeyFields) {
      if (url_.value(name).empty()) found_.fault(name, "is missing");
    }
    if (url_.has("sks") && url_.value("sks") != "b") found_.fault("sks", "must be b");
    if (url_.has("skv") && !parse_date(url_.value("skv")))
      found_.fault("skv", "must be a date such as 2023-11-03");
    const auto start = time_of("skt");
    const auto end = time_of("ske");
    const auto expiry = parse_sas_time(url_.value("se"));
    if (start && *start > now_) found_.fault("skt", "the user delegation key is not valid yet: a clock?");
    if (end && *end <= now_)
      found_.fault("ske", "the user delegation key expired " + duration_text(now_ - *end) + " ago");
    if (end && expiry && *end < *expiry)
      found_.fault("se", "is later than ske, the end of the user delegation key");
    if (start && end && *end - *start > std::chrono::days(7)) {
      found_.warning("ske", "is more than seven days after skt: Azure gives no key for longer");
    }
  }

  void check_name() {
    if (url_.host.empty()) return;
    const std::string_view encoded = location_.encoded_blob;
    if (!location_.container.empty() && !ContainerName::parse(location_.container)) {
      found_.fault("container", quoted_value(location_.container) + " is no container's name");
    }
    if (encoded.empty()) return;
    std::string decoded;
    if (!append_percent_decoded(decoded, encoded)) {
      return found_.fault("blob", "has a malformed percent escape: a % in a name is %25 in a URL");
    }
    if (has_escape(location_.blob)) {
      found_.warning("blob", "decoded it still holds an escape: " + quoted_value(location_.blob) +
                                 "; either that is its name, or the URL was encoded twice");
    }
    if (encoded.find_first_of(" ?#") != std::string_view::npos) {
      found_.fault("blob", "has a raw blank, ? or #, which must be encoded");
    }
    const auto name = BlobName::parse(location_.blob);
    if (!name) found_.fault("blob", std::string(name.error().what.view()));
    if (name && name->has_empty_segment()) {
      found_.warning("blob", "has an empty segment (//): does request.endpoint end with a slash?");
    }
  }

  void check_signature_text() {
    const auto parameter = std::ranges::find(url_.parameters, "sig", &SasUrl::Parameter::name);
    if (parameter == url_.parameters.end() || parameter->value.empty() || found_.has_fault_in("sig")) return;
    const std::string_view text = parameter->value;
    if (parameter->raw.find('+') != std::string_view::npos) {
      return found_.fault("sig", "has a raw +, which is read as a blank: it must be %2B");
    }
    if (text.find(' ') != std::string_view::npos) {
      return found_.fault("sig", "has a blank where a + was: somebody decoded it once too often");
    }
    if (has_escape(text)) return found_.fault("sig", "has been percent-encoded twice");
    const auto size = decoded_base64_size(text);
    if (!size || *size != 32) {
      found_.fault("sig", "is no base64 of 32 bytes (" + std::to_string(text.size()) +
                              " characters, not 44): cut off?");
    }
  }

  const SasUrl& url_;
  const SasCircumstances& known_;
  const BlobLocation& location_;
  UtcSeconds now_;
  SasExplanation& explanation_;
  Findings found_;
};

}  // namespace

void check_fields(const SasUrl& url, const SasCircumstances& known, const BlobLocation& location,
                  UtcSeconds now, SasExplanation& explanation) {
  FieldCheck(url, known, location, now, explanation).run();
}

bool is_garbled(const SasUrl& url) {
  return std::ranges::any_of(url.parameters, [](const SasUrl::Parameter& parameter) {
    return parameter.is_malformed || is_encoded_twice(parameter);
  });
}

}  // namespace blobvalet
