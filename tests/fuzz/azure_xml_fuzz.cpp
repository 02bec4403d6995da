// Azure's XML: its errors, the CORS rules of an account, pages of blobs and delegation keys. What is built of
// the input's lines comes back as it went in; of arbitrary bytes nothing is believed that is not sound.
#include <algorithm>
#include <array>

#include "core/azure_error.hpp"
#include "core/blob_list_page.hpp"
#include "core/cors_rules.hpp"
#include "core/delegation_key_client.hpp"
#include "core/utf8.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/reference.hpp"

namespace blobvalet::fuzz {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kDeclaration = "<?xml version=\"1.0\" encoding=\"utf-8\"?>";
constexpr UtcSeconds kNow = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1) + 12h;
using Lines = std::vector<std::string>;

/// The line as a text that XML can hold, of at most 300 bytes; another without `taboo` in it.
std::string text_of(std::string line, std::string_view taboo = {}) {
  line.resize(std::min<std::size_t>(line.size(), 300));
  if (!is_utf8(line))
    for (char& c : line)
      c = static_cast<char>(static_cast<unsigned char>(c) & 0x7fU);
  for (char& c : line)
    if ((c >= 0 && c < ' ') || c == '\x7f') c = '_';
  return !taboo.empty() && line.find(taboo) != std::string::npos ? "other" : line;
}

/// Blanks are written as references, since white space alone may be layout.
std::string escape(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case ' ': out += "&#32;"; break;
      case '"': out += quotes ? "&quot;" : "\""; break;
      case '\'': out += quotes ? "&apos;" : "'"; break;
      default: out += c;
    }
  }
  return out;
}

std::string element(const std::string& name, std::string_view text) {
  return "<" + name + ">" + escape(text, true) + "</" + name + ">";
}

// Errors.

std::string only_letters(std::string_view line) {
  std::string letters;
  for (const char c : line)
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) letters += c;
  return letters;
}

/// As Azure prints it: blanks as they are, and line feeds in the string-to-sign.
std::string printed(std::string text) {
  std::string out;
  for (const char c : text)
    out += c == ' ' ? std::string(" ") : escape(std::string(1, c), false);
  return out;
}

void check_error_built(const Lines& lines) {
  const std::string code = only_letters(lines[0]);
  if (code.empty()) return;
  // A backslash may be part of what JSON does to a line feed, and times and signatures are looked for by
  // name.
  const auto plain = [](const std::string& line) {
    std::string text = text_of(text_of(line, "\\"), "Time:");
    return text.find("String to sign") == std::string::npos ? text : "other";
  };
  const std::string message = plain(lines[1]);
  const std::string signed_text = plain(lines[2]) + "\n" + plain(lines[3]) + "\n\n" + plain(lines[4]);
  const std::string detail = "Signature did not match. String to sign used was " + signed_text;
  const std::string xml = std::string(kDeclaration) + "<Error><Code>" + code + "</Code><Message>" +
                          printed(message) + "\nTime:2026-03-01T12:00:00.1234567Z</Message>" +
                          "<AuthenticationErrorDetail>" + printed(detail) +
                          "</AuthenticationErrorDetail></Error>";
  const auto error = AzureError::find(xml);
  require(error && error->code == code, "the code comes back");
  require(error->message == message + "\nTime:2026-03-01T12:00:00.1234567Z", "the message comes back");
  require(error->detail == detail, "the detail comes back");
  require(error->string_to_sign == signed_text, "the string-to-sign comes back");
  require(error->time == "2026-03-01T12:00:00Z", "the time comes back");
}

void check_error_bytes(std::string_view text) {
  const auto error = AzureError::find(text);
  if (!error) return;
  require(!error->code.empty(), "an error has a code");
  require(text.find(error->code) != std::string_view::npos ||
              text.find("String to sign used was ") != std::string_view::npos,
          "which the text says");
  const std::size_t bound = text.size();
  require(error->code.size() <= std::max<std::size_t>(bound, 20) && error->message.size() <= bound &&
              error->detail.size() <= bound && error->string_to_sign.value_or("").size() <= bound,
          "nothing is longer than the text");
  require(error->time.empty() || error->time.size() == 20, "a time has its length");
}

// CORS rules.

constexpr std::array<std::string CorsRule::*, 5> kMembers{
    &CorsRule::origins, &CorsRule::methods, &CorsRule::headers, &CorsRule::exposed, &CorsRule::max_age};
constexpr std::array<const char*, 5> kNames{"AllowedOrigins", "AllowedMethods", "AllowedHeaders",
                                            "ExposedHeaders", "MaxAgeInSeconds"};

std::vector<CorsRule> rules_of(const Lines& lines) {
  std::vector<CorsRule> rules;
  for (std::size_t i = 0; i + kMembers.size() <= lines.size(); i += kMembers.size()) {
    CorsRule& rule = rules.emplace_back();
    for (std::size_t member = 0; member < kMembers.size(); ++member)
      rule.*kMembers[member] = text_of(lines[i + member]);
  }
  return rules;
}

std::string properties_xml(const std::vector<CorsRule>& rules) {
  std::string xml(kDeclaration);
  xml += "<StorageServiceProperties><Logging><Version>1.0</Version></Logging><Cors>";
  for (const CorsRule& rule : rules) {
    xml += "<CorsRule>";
    for (std::size_t member = 0; member < kMembers.size(); ++member)
      xml += element(kNames[member], rule.*kMembers[member]);
    xml += "</CorsRule>";
  }
  return xml + "</Cors></StorageServiceProperties>";
}

/// White space alone may be layout, and of a text's line ends XML keeps only that they are there.
std::vector<CorsRule> as_kept(std::vector<CorsRule> rules) {
  for (CorsRule& rule : rules) {
    for (const auto member : kMembers) {
      std::string& text = rule.*member;
      if (text.find_first_not_of(" \t\r\n") == std::string::npos) text.clear();
      std::string kept;
      for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
        kept += text[i] == '\r' ? '\n' : text[i];
      }
      text = kept;
    }
  }
  return rules;
}

CorsNeeds needs() {
  return {{"https://app.example"}, {"PUT", "DELETE"}, {"content-type", "x-ms-meta-*"}, 3600s, "blobvalet"};
}

void check_plan(const std::vector<CorsRule>& existing) {
  const CorsNeeds wanted = needs();
  const auto plan = plan_cors(existing, wanted);
  if (!plan) return require(!plan.error().empty(), "a refusal has a reason");
  const auto others = [&](const std::vector<CorsRule>& rules) {
    std::vector<CorsRule> found;
    for (const CorsRule& rule : rules)
      if (!wanted.owns(rule)) found.push_back(rule);
    return found;
  };
  require(others(plan->rules) == others(existing), "rules of others stay as they are, in their order");
  require(plan->changes || plan->rules == existing, "no change is none");
  require(!plan->changes || plan->rules.size() <= 5, "no more rules than an account takes");
  for (const std::string& method : wanted.methods) {
    const CorsRule* rule = deciding_rule(plan->rules, wanted.origins.front(), method);
    require(rule != nullptr, "the page may do what it needs");
    require(method != "PUT" || (allows_header(*rule, "content-type") && allows_header(*rule, "x-ms-meta-a")),
            "with the headers that it sends");
  }
  const auto again = plan_cors(plan->rules, wanted);
  require(again && !again->changes, "once changed, nothing is left to change");
}

void check_cors_built(const Lines& lines) {
  const auto rules = rules_of(lines);
  const auto parsed = parse_cors_rules(properties_xml(rules));
  require(parsed && *parsed == rules, "the rules come back");
  const auto printed_again = parse_cors_rules(cors_rules_xml(rules));
  require(printed_again && *printed_again == as_kept(rules), "printed and parsed they are the same");
  check_plan(rules);
}

void check_cors_bytes(std::string_view xml) {
  const auto rules = parse_cors_rules(xml);
  if (!rules) return require(!rules.error().empty(), "a refusal has a reason");
  const auto again = parse_cors_rules(cors_rules_xml(*rules));
  require(again && as_kept(*again) == as_kept(*rules), "what was read goes back");
  check_plan(*rules);
}

// Pages of blobs.

void check_page_built(const Lines& lines) {
  std::string xml(kDeclaration);
  xml += "<EnumerationResults ServiceEndpoint=\"https://acme/\" ContainerName=\"uploads\"><Blobs>";
  std::vector<ListedBlob> expected;
  for (std::size_t i = 1; i + 3 <= lines.size(); i += 3) {
    ListedBlob& blob = expected.emplace_back();
    blob.name = text_of(lines[i]);
    blob.content_type = text_of(lines[i + 1]);
    blob.filename = text_of(lines[i + 2]);
    blob.size_bytes = i * lines[i].size();
    xml += "<Blob>" + element("Name", blob.name) +
           "<Properties><Last-Modified>Sun, 01 Mar 2026 12:00:00 GMT</Last-Modified><Etag>0x8</Etag>" +
           element("Content-Length", std::to_string(blob.size_bytes)) +
           element("Content-Type", blob.content_type) + "<BlobType>BlockBlob</BlobType></Properties>" +
           "<Metadata>" + element("QqFileName", blob.filename) + "</Metadata></Blob>";
  }
  const std::string marker = text_of(lines[0]);
  const std::size_t entries = expected.size();
  std::erase_if(expected, [](const ListedBlob& blob) { return blob.name.empty(); });
  xml += "</Blobs>" + element("NextMarker", marker) + "</EnumerationResults>";
  std::string copy = xml;
  const auto page = BlobListPage::parse(copy, 100);
  if (entries > 100) return require(!page, "a page has no more blobs than allowed");
  require(page && page->entries == entries && page->next_marker == marker, "all are there, and the marker");
  const auto is_same = [](const ListedBlob& a, const ListedBlob& b) {
    return a.name == b.name && a.content_type == b.content_type && a.filename == b.filename &&
           a.size_bytes == b.size_bytes && a.modified == kNow;
  };
  require(std::ranges::equal(page->blobs, expected, is_same), "the blobs come back");
  require(entries == 0 || !BlobListPage::parse(xml, entries - 1), "one blob too many is refused");
}

void check_page_bytes(std::string xml) {
  const std::size_t size = xml.size();
  const auto page = BlobListPage::parse(xml, 100);
  if (!page) return;
  require(page->entries <= 100 && page->blobs.size() <= page->entries, "bounded");
  for (const ListedBlob& blob : page->blobs)
    require(!blob.name.empty() && blob.name.size() < size, "a blob has a name, which the text says");
}

// Delegation keys.

std::string only_hexadecimal(std::string_view line) {
  std::string digits;
  for (const char c : line)
    if (is_hex(c) && digits.size() < 64) digits += c;
  return digits.empty() ? "0" : digits;
}

void check_key_built(const Lines& lines) {
  const std::string object = only_hexadecimal(lines[0]);
  const std::string tenant = only_hexadecimal(lines[1]);
  const auto seconds = [](const std::string& line) { return std::chrono::seconds(line.size() % 900); };
  const UtcSeconds start = kNow - seconds(lines[2]);
  const UtcSeconds expiry = kNow + seconds(lines[3]);
  std::string xml = std::string(kDeclaration) + "<UserDelegationKey>" + element("SignedOid", object) +
                    element("SignedTid", tenant) + element("SignedStart", UtcText(start).view()) +
                    element("SignedExpiry", UtcText(expiry).view()) + element("SignedService", "b") +
                    element("SignedVersion", "2023-11-03") +
                    element("Value", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=") + "</UserDelegationKey>";
  const auto key = read_delegation_key(xml, {kNow - 15min, kNow + 15min}, kNow);
  require(key.has_value() == (expiry > kNow), "a key that is valid now");
  if (!key) return;
  require(key->object_id == object && key->tenant_id == tenant, "the ids come back");
  require(key->not_before == start && key->not_after == expiry && key->value.size() == 32,
          "and times and value");
}

}  // namespace
}  // namespace blobvalet::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blobvalet::fuzz;
  std::string_view input = as_text(data, size);
  const unsigned choice = take_choice(input);
  Lines lines = split(input, '\n');
  lines.resize(std::max<std::size_t>(lines.size(), 5));
  switch (choice % 7) {
    case 0: check_error_built(lines); break;
    case 1: check_error_bytes(input); break;
    case 2: check_cors_built(lines); break;
    case 3: check_cors_bytes(input); break;
    case 4: check_page_built(lines); break;
    case 5: check_page_bytes(std::string(input)); break;
    default: check_key_built(lines); break;
  }
  return 0;
}
