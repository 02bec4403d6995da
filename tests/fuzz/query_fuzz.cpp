// The query of a signature request: what parses is what the browser wrote, hints included, in any order, once
// and no more.
#include <algorithm>
#include <optional>

#include "core/signature_request.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/reference.hpp"

namespace blobvalet::fuzz {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

void require_same(std::string_view query, const SignatureRequest& expected, const char* property) {
  std::string buffer;
  const auto parsed = SignatureRequest::parse(query, buffer);
  require(parsed && parsed->verb == expected.verb && parsed->blob_uri == expected.blob_uri &&
              parsed->hints.size == expected.hints.size && parsed->hints.type == expected.hints.type &&
              parsed->hints.part == expected.hints.part,
          property);
}

void require_refused(std::string_view query, Errc errc, const char* property) {
  std::string buffer;
  const auto parsed = SignatureRequest::parse(query, buffer);
  require(!parsed && parsed.error().errc == errc, property);
}

/// The one value of this name; nothing: there is none.
std::optional<std::string> value_of(const Pairs& pairs, std::string_view name) {
  const auto named = [&](const auto& pair) { return pair.first == name; };
  require(std::ranges::count_if(pairs, named) <= 1, "no parameter of ours comes twice");
  const auto found = std::ranges::find_if(pairs, named);
  return found == pairs.end() ? std::nullopt : std::optional(found->second);
}

/// A number without a sign or leading zeros that is at most `most`, which has 15 digits at most.
bool slowly_is_number(const std::string& text, std::uint64_t most) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos) return false;
  const bool leads_with_zero = text.size() > 1 && text.front() == '0';
  return !leads_with_zero && text.size() <= 15 && std::stoull(text) <= most;
}

template <class Number>
void check_number(const std::optional<std::string>& written, const std::optional<Number>& read,
                  std::uint64_t most) {
  require(written.has_value() == read.has_value(), "a number is read where one was written");
  if (!written) return;
  require(slowly_is_number(*written, most), "it is a number within its limit");
  require(std::stoull(*written) == *read, "and the one that was written");
}

void check_type(const std::optional<std::string>& written, std::string_view read) {
  require(written.value_or("") == read, "the type is the one that was written");
  if (!written) return;
  const bool in_line = std::ranges::all_of(read, [](char c) { return c >= ' ' && c < 0x7f; });
  const std::size_t slash = read.find('/');
  require(in_line && slash != 0 && slash < read.size() - 1, "it has two names, in printable ASCII");
}

// "Scalability and performance targets for Blob Storage", learn.microsoft.com: 50,000 blocks of 4,000 MiB.
constexpr std::uint64_t kMostBytes = 50'000ULL * 4'000 * 1024 * 1024;
constexpr std::uint64_t kMostParts = 49'999;

std::string printed_hints(const UploadHints& hints) {
  std::string text;
  if (hints.size) text += "&qqsize=" + std::to_string(*hints.size);
  if (!hints.type.empty()) text += "&qqtype=" + encode(hints.type);
  if (hints.part) text += "&qqpart=" + std::to_string(*hints.part);
  return text;
}

void check_accepted(std::string_view query, const SignatureRequest& request) {
  const Pairs pairs = read_form(query);
  require(value_of(pairs, "_method") == name_of(request.verb), "the verb is the decoded parameter");
  require(value_of(pairs, "bloburi") == request.blob_uri, "the blob's URI is the decoded parameter");
  check_number(value_of(pairs, "qqsize"), request.hints.size, kMostBytes);
  check_number(value_of(pairs, "qqpart"), request.hints.part, kMostParts);
  check_type(value_of(pairs, "qqtype"), request.hints.type);

  const std::string method = "_method=" + std::string(name_of(request.verb));
  const std::string encoded = "bloburi=" + encode(request.blob_uri);
  const std::string hints = printed_hints(request.hints);
  require_same(method + "&" + encoded + hints, request, "printed and parsed again it is equal");
  require_same(hints + "&" + encoded + "&&qqtimestamp=1&" + method, request,
               "neither order nor other parameters matter");
  for (const std::string& twice : {method, encoded}) {
    require_refused(std::string(query) + "&" + twice, Errc::duplicate_parameter,
                    "a second _method or bloburi is refused");
  }
  for (const std::string twice : {"qqsize=1", "qqtype=a/b", "qqpart=1"}) {
    require_refused(std::string(query) + "&" + twice + "&" + twice, Errc::duplicate_parameter,
                    "a second hint is refused");
  }
}

/// Queries of which only a hint may be wrong: whether they are taken is what its text says.
void check_hint(const std::string& name, const std::string& value) {
  std::string buffer;
  const std::string query = "_method=PUT&bloburi=x&" + name + "=" + encode(value);
  const bool is_good = slowly_is_number(value, name == "qqsize" ? kMostBytes : kMostParts);
  require(SignatureRequest::parse(query, buffer).has_value() == is_good,
          "a number is taken, and nothing else");
  if (!is_good) require_refused(query, Errc::bad_request, "and that is a bad request");
}

}  // namespace
}  // namespace blobvalet::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blobvalet;
  const std::string_view query = fuzz::as_text(data, size);
  std::string buffer;
  if (const auto request = SignatureRequest::parse(query, buffer)) fuzz::check_accepted(query, *request);
  fuzz::check_hint("qqsize", std::string(query));
  fuzz::check_hint("qqpart", std::string(query));
  return 0;
}
